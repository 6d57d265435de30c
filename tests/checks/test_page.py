"""The html report in a real browser: what it shows is held against the JSON report of the same run"""

import json
import re
import tempfile
import unittest
from pathlib import Path

import browser
from program import ROOT, InAFolder

# Against the sandbox's starting world, a drift that has a row of every kind, an alias on a disabled key among them.
MANIFEST = """\
version: 1
scope: [alias/app/, alias/data/]
targets:
  prod: {account: "111122223333", regions: [us-east-1, eu-west-1]}
  dev: {account: "444455556666", region: us-east-1}
aliases:
  alias/app/billing/db: {key: bbbb2222-0000-4000-8000-000000002026, targets: [prod/111122223333/us-east-1]}
  alias/app/billing/db-writer: {key: alias/app/billing/db, targets: [prod/111122223333/us-east-1]}
  alias/app/audit/log: {key: dddd4444-0000-4000-8000-000000000004, targets: [prod/111122223333/us-east-1, dev]}
  alias/app/ledger/signing:
    {key: eeee5555-0000-4000-8000-000000000005, previously: [alias/app/ledger/sign], targets: [prod/111122223333/us-east-1]}
  alias/app/tokens: {key: dddd4444-0000-4000-8000-000000000004, replace: true, targets: [prod/111122223333/us-east-1]}
  alias/app/billing/archive: {key: ffff6666-0000-4000-8000-000000000006, targets: [prod/111122223333/us-east-1]}
  alias/app/retired: {key: aaaa7777-0000-4000-8000-000000000007, targets: [prod/111122223333/us-east-1]}
  alias/data/lake: {key: mrk-1234abcd12ab34cd56ef1234567890ab, targets: [prod]}
  alias/app/legacy/export: absent
"""
KINDS = ["create", "retarget", "replace", "rename", "delete", "held", "unmanaged"]
VERBS = {("create",): "create", ("update",): "retarget", ("delete", "create"): "replace", ("delete",): "delete"}
MARKUP = "</td></table><script>alert(1)</script><img src=x onerror='alert(2)'><style>*{display:none}</style> &lt;"
HOSTILE = MARKUP + " \u202eevil\u2066 \u001b[2J"
# Everything that a person sees of a row: its table, kind, alias or key, and target, which together are no other's; and all its text.
ROWS = """
[...document.querySelectorAll("table.rows tbody tr")]
  .filter((row) => row.checkVisibility() && row.getBoundingClientRect().height > 0)
  .map((row) => [
    row.closest("section").id, row.dataset.kind,
    row.querySelector(row.dataset.kind === "key" ? "td.key" : "td.alias").firstChild.data.trim(),
    row.querySelector("td.place").firstChild.data.trim(), row.innerText,
  ])
"""
# Each text that is seen, its colour, and the one behind it.
TEXTS = """
(() => {
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return "none";
  };
  const seen = [];
  for (const element of document.body.querySelectorAll("*")) {
    const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (texts.length && element.checkVisibility()) {
      seen.push([texts[0].data.trim(), getComputedStyle(element).color, ground(element)]);
    }
  }
  const search = document.getElementById("search");
  if (search) seen.push([search.placeholder, getComputedStyle(search, "::placeholder").color, ground(search)]);
  return seen;
})()
"""
# What reaches beyond the window, unless it is within something that scrolls by itself.
TOO_WIDE = """
[...document.body.querySelectorAll("*")].filter((element) => {
  if (!element.checkVisibility() || element.getBoundingClientRect().right <= WIDTH + 0.5) return false;
  for (let outer = element.parentElement; outer; outer = outer.parentElement) {
    if (["auto", "scroll"].includes(getComputedStyle(outer).overflowX)) return false;
  }
  return true;
}).map((element) => element.outerHTML.slice(0, 100))
"""


def setUpModule():
    global CHROMIUM
    folder = tempfile.TemporaryDirectory(prefix="kms-alias-browser-", ignore_cleanup_errors=True)
    unittest.addModuleCleanup(folder.cleanup)
    CHROMIUM = browser.Browser(Path(folder.name))
    unittest.addModuleCleanup(CHROMIUM.close)


class Page(InAFolder):
    def setUp(self):
        super().setUp()
        (self.folder / "aliases.yaml").write_text(MANIFEST, encoding="utf-8")

    def report(self, command="drift", *arguments, expect=2, sandbox="--sandbox"):
        """Runs a command, and returns its JSON report; its page is page.html"""
        reports = ["--report", "html=page.html", "--report", "json=report.json"]
        self.kms_alias(command, "--quiet", sandbox, *reports, *arguments, expect=expect)
        return json.loads((self.folder / "report.json").read_text(encoding="utf-8"))

    def show(self, asked="", width=1400, prepare=lambda page: None):
        """The page in a window; that it fetches nothing, and that nobody complains, is true of every one"""
        page = browser.Page(CHROMIUM)
        self.addCleanup(self.leave, page)
        page.set_width(width)
        prepare(page)
        page.open((self.folder / "page.html").as_uri() + asked)
        return page

    def leave(self, page):
        requests, complaints = page.requests(), page.complaints()
        page.close()
        self.assertEqual([request.split("#")[0] for request in requests], [(self.folder / "page.html").as_uri()])
        self.assertEqual(complaints, [])

    def seen(self, page):
        """The rows that can be seen, without their texts"""
        rows = [tuple(row[:4]) for row in page.evaluate(ROWS)]
        self.assertEqual(len(set(rows)), len(rows), "each row is there once")
        return set(rows)

    def ask(self, page, text=""):
        """Types into the search what shall be its only text"""
        page.evaluate("document.getElementById('search').focus(), document.getElementById('search').select()")
        page.type(text) if text else page.press("Delete")

    def tick(self, page, *kinds):
        for kind in kinds:
            page.evaluate(f"document.querySelector('input[value={kind}]').click()")

    def test_its_totals_are_those_of_the_json_report(self):
        summary = self.report()["summary"]
        names = {"update": "retarget", "in_sync": "in sync", "unusable": "on unusable keys"}
        wanted = {names.get(name, name): count for name, count in summary.items() if name not in ("refused", "unread_targets", "unlisted_targets")}
        tiles = self.show().evaluate("[...document.querySelectorAll('.totals li')].map((tile) => tile.innerText.split('\\n'))")
        self.assertEqual({name: int(count) for count, name in tiles}, wanted)
        self.assertTrue(all(wanted.values()), f"a world that has something of everything: {wanted}")

    def test_each_target_is_in_the_matrix_with_what_the_json_report_counts_in_it(self):
        document = self.report()
        cells = self.show().evaluate("""
            [...document.querySelectorAll(".matrix tbody tr")].flatMap((row) => [...row.cells].slice(1).map((cell, at) => [
              row.cells[0].innerText, document.querySelector(".matrix thead tr").cells[at + 1].innerText,
              cell.innerText.trim(), [...cell.querySelectorAll("[title]")].map((count) => [count.title, count.innerText]),
            ]))""")
        shown = {(account, region): (text, dict(counts)) for account, region, text, counts in cells}
        targets = {(target["account"], target["region"]): target for target in document["targets"]}
        self.assertEqual(shown.keys(), targets.keys() | {("444455556666", "eu-west-1")})
        self.assertEqual(shown.pop(("444455556666", "eu-west-1")), ("", {}))
        for place, (text, counts) in shown.items():
            rows = [row for row in changes(document) if row[3] == targets[place]["name"]]
            wanted = {kind: sum(row[1] == kind for row in rows) for kind in KINDS}
            self.assertIn(targets[place]["name"], text)
            self.assertEqual({kind: int(re.sub(r"\D", "", count)) for kind, count in counts.items()}, only_some(wanted))
            self.assertTrue(counts or f"{targets[place]['in_sync']} in sync" in text, text)

    def test_every_change_of_the_json_report_is_a_row_that_can_be_seen(self):
        document = self.report()
        page = self.show()
        texts = {tuple(row[:4]): row[4] for row in page.evaluate(ROWS)}
        wanted = everything(document)
        self.assertEqual(texts.keys(), wanted.keys())
        for row, parts in wanted.items():
            for part in parts:
                self.assertIn(part, texts[row])
        self.assertEqual({row[1] for row in wanted}, {*KINDS, "key"}, "a row of every kind")

    def test_a_search_leaves_exactly_the_rows_that_have_all_of_its_words(self):
        wanted = everything(self.report())
        page = self.show()
        asked = [
            "billing", "BILLING", "alias/app/ledger/sign", "bbbb2222", "0000-4000-8000", "dev/", "eu-west-1", "111122223333/us-east-1",
            "db dev", "  dev   billing ", "audit log", "aliases.yaml:7", "renamed from", "session tokens", "disabled", "&", "<", "nowhere",
        ]  # fmt: skip
        for text in asked:
            self.ask(page, text)
            self.assertEqual(self.seen(page), {row for row, parts in wanted.items() if has_all(parts, text)}, text)
        self.ask(page)
        self.assertEqual(self.seen(page), set(wanted))

    def test_a_word_is_not_found_across_two_cells(self):
        self.report()
        page = self.show()
        self.ask(page, "createalias/app")
        self.assertEqual(self.seen(page), set())

    def test_the_boxes_leave_exactly_the_rows_of_their_kinds(self):
        wanted = everything(self.report())
        page = self.show()
        for kind in KINDS:
            self.tick(page, kind)
            self.assertEqual(self.seen(page), {row for row in wanted if row[1] == kind}, kind)
            self.tick(page, kind)
        self.tick(page, "delete", "unmanaged")
        self.assertEqual(self.seen(page), {row for row in wanted if row[1] in ("delete", "unmanaged")})

    def test_the_search_and_the_boxes_narrow_together_and_headings_count_what_is_left(self):
        wanted = everything(self.report())
        page = self.show()
        self.tick(page, "create", "unmanaged")
        self.ask(page, "dev")
        left = {row for row, parts in wanted.items() if row[1] in ("create", "unmanaged") and has_all(parts, "dev")}
        self.assertEqual(self.seen(page), left)
        headings = page.evaluate("[...document.querySelectorAll('h2')].filter((one) => one.checkVisibility()).map((one) => one.innerText)")
        count = lambda table, rows: sum(row[0] == table for row in rows)
        sizes = [f"{count(table, left)} of {count(table, wanted)}" for table in ("changes", "unmanaged")]
        self.assertEqual(headings, ["Targets", f"Changes {sizes[0]}", f"Unmanaged {sizes[1]}"])
        self.assertEqual(page.evaluate("document.getElementById('shown').innerText"), f"{len(left)} of {len(wanted)} rows")

    def test_where_nothing_matches_the_page_says_so(self):
        wanted = everything(self.report())
        page = self.show()
        self.ask(page, "no such alias")
        self.assertEqual(self.seen(page), set())
        self.assertEqual(page.evaluate("document.getElementById('shown').innerText"), f"Nothing matches: 0 of {len(wanted)} rows")

    def test_the_address_keeps_what_was_asked_and_brings_it_back(self):
        self.report()
        page = self.show()
        self.ask(page, "prod & dev + 100% #billing=db")
        self.tick(page, "create", "delete")
        asked = page.evaluate("location.hash")
        state = "[document.getElementById('search').value, [...document.querySelectorAll(':checked')].map((box) => box.value)]"
        self.assertEqual(self.show(asked).evaluate(state), ["prod & dev + 100% #billing=db", ["create", "delete"]])
        page = self.show("#q=billing&kind=delete&kind=create")
        rows = self.seen(page)
        self.assertEqual({(row[1], row[2]) for row in rows}, {("create", "alias/app/billing/db-writer")})
        # Going to another address of the same page, as by a link or the button that goes back.
        page.evaluate("new Promise((done) => { addEventListener('hashchange', () => done()); location.hash = 'q=audit'; })")
        self.assertEqual(page.evaluate(state), ["audit", []])
        self.assertTrue(all("audit" in text for *_, text in page.evaluate(ROWS)))
        page.evaluate("new Promise((done) => { addEventListener('hashchange', () => done()); location.hash = ''; })")
        self.assertEqual(self.seen(page), self.seen(self.show()))

    def test_with_a_base_the_boxes_tell_drift_from_the_change_of_the_manifest(self):
        git = lambda *words: self.assertEqual(self.run_in_folder("git", *words).returncode, 0, words)
        git("init", "--quiet")
        git("add", "aliases.yaml")
        git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message", "before")
        added = "  alias/app/new: {key: dddd4444-0000-4000-8000-000000000004, targets: [dev]}\n"
        (self.folder / "aliases.yaml").write_text(MANIFEST + added, encoding="utf-8")
        document = self.report("plan", "--base-ref", "HEAD", expect=4)
        page = self.show()
        for origin in ("config", "drift"):
            named = {change["alias"] for target in document["targets"] for change in target["changes"] if change["origin"] == origin}
            self.assertTrue(named)
            self.tick(page, origin)
            self.assertEqual({row[2] for row in self.seen(page)}, named)
            self.tick(page, origin)

    def test_without_a_base_no_box_asks_for_an_origin_that_nobody_knows(self):
        # The drift of which there is a page has an alias whose key cannot be used, which is drift whatever the base.
        self.report()
        self.assertEqual(self.show().evaluate("document.querySelectorAll('input[name=origin]').length"), 0)

    def test_without_scripts_every_row_is_there_and_no_control(self):
        wanted = everything(self.report())
        page = self.show("#q=billing", prepare=lambda page: page.forbid_scripts())
        self.assertEqual(self.seen(page), set(wanted))
        controls = "[...document.querySelectorAll('input, button, select, output, label, a')].filter((one) => one.checkVisibility()).length"
        self.assertEqual(page.evaluate(controls), 0)

    def test_on_paper_it_says_what_it_was_narrowed_to(self):
        self.report()
        page = self.show("#q=billing")
        page.print_it()
        self.assertTrue(page.evaluate("document.getElementById('search').checkVisibility()"))
        self.assertTrue(page.evaluate("document.getElementById('shown').checkVisibility()"))

    def test_light_and_dark_differ_and_every_text_stands_out_from_its_ground(self):
        self.report()
        grounds = []
        for scheme in ("light", "dark"):
            page = self.show(prepare=lambda page: page.set_scheme(scheme))
            texts = page.evaluate(TEXTS)
            self.assertGreater(len(texts), 100)
            for text, colour, ground in texts:
                self.assertGreaterEqual(contrast(colour, ground), 4.5, f"{scheme}: {text!r} in {colour} on {ground}")
            grounds.append(luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")))
        self.assertGreater(grounds[0], 0.8)
        self.assertLess(grounds[1], 0.1)

    def test_nothing_is_wider_than_the_window_but_what_scrolls_by_itself(self):
        self.describe("bbbb2222-0000-4000-8000-000000002026", "x" * 300)
        long_name = "alias/app/" + "n" * 246
        long = f"  {long_name}: {{key: bbbb2222-0000-4000-8000-000000002026, targets: [prod/111122223333/us-east-1]}}\n"
        (self.folder / "aliases.yaml").write_text(MANIFEST + long, encoding="utf-8")
        document = self.report(sandbox="--sandbox=state.json")
        self.assertIn(long_name, [change["alias"] for target in document["targets"] for change in target["changes"]])
        # A small phone, a large one, both sides of where rows become cards, and a wide window.
        for width in (360, 412, 1175, 1205, 1600):
            page = self.show(width=width)
            self.assertEqual(page.evaluate(TOO_WIDE.replace("WIDTH", str(width))), [], f"at {width}")
            self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), width)

    def test_a_key_stands_on_one_line_whatever_the_window_is(self):
        self.report()
        for width in (360, 1205, 1600):
            lines = self.show(width=width).evaluate("""
                [...document.querySelectorAll("td.key")].map((cell) => {
                  const text = document.createRange();
                  text.selectNodeContents(cell.firstChild);
                  return [cell.firstChild.data, text.getClientRects().length];
                })""")
            self.assertEqual([text for text, count in lines if count != 1], [], f"at {width}")

    def test_the_search_and_the_boxes_are_reached_and_used_by_the_keyboard_alone(self):
        wanted = everything(self.report())
        page = self.show()
        where = "document.activeElement.id || document.activeElement.value"
        for _ in range(5):
            page.press("Tab")
            if page.evaluate(where) == "search":
                break
        self.assertEqual(page.evaluate(where), "search")
        page.type("alias/app")
        page.press("Tab")
        self.assertEqual(page.evaluate(where), "create")
        self.assertNotEqual(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "none", "the focus is shown")
        page.press(" ")
        self.assertEqual(self.seen(page), {row for row, parts in wanted.items() if row[1] == "create" and has_all(parts, "alias/app")})
        page.press("Enter")
        self.assertEqual(page.evaluate("location.pathname"), (self.folder / "page.html").as_posix())

    def test_it_has_a_language_a_title_headings_in_order_and_tables_with_headers(self):
        self.report()
        page = self.show()
        self.assertEqual(page.evaluate("document.documentElement.lang"), "en")
        self.assertEqual(page.evaluate("document.title"), "kms-alias drift: 9 differences")
        levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((heading) => Number(heading.tagName[1]))")
        self.assertEqual((levels[0], levels.count(1)), (1, 1))
        self.assertTrue(all(below - above <= 1 for above, below in zip(levels, levels[1:])), levels)
        self.assertEqual(page.evaluate("[...document.querySelectorAll('th:not([scope]), th:empty')].map((head) => head.outerHTML)"), [])
        tables = "[...document.querySelectorAll('table')].filter((table) => !table.tHead || !table.tHead.rows[0].cells.length).length"
        self.assertEqual(page.evaluate(tables), 0)
        names = page.call("Accessibility.getFullAXTree")["nodes"]
        named = {(node["role"]["value"], node["name"]["value"]) for node in names if "name" in node}
        self.assertLessEqual({("searchbox", "search"), ("checkbox", "create"), ("group", "kind"), ("columnheader", "alias")}, named)
        unnamed = [node for node in names if node.get("role", {}).get("value") in ("searchbox", "checkbox") and not node["name"]["value"]]
        self.assertEqual(unnamed, [])

    def test_texts_of_others_are_shown_as_texts_and_do_nothing(self):
        name = "<img src=x onerror=alert(3)>.yaml"
        (self.folder / "aliases.yaml").rename(self.folder / name)
        self.describe("bbbb2222-0000-4000-8000-000000002026", HOSTILE, name)
        self.report("drift", "--file", name, sandbox="--sandbox=state.json")
        page = self.show()
        text = page.evaluate("document.body.innerText")
        self.assertIn(MARKUP + " \\u{202e}evil", text)
        self.assertIn(f"{name}:7", text)
        self.assertEqual(re.findall("[\u202e\u2066\u001b]", text), [])
        self.assertEqual(page.evaluate("[document.scripts.length, document.images.length, document.styleSheets.length]"), [1, 0, 1])
        self.assertTrue(page.evaluate("document.querySelector('h1').checkVisibility()"))
        self.ask(page, "<script>alert(1)</script>")
        self.assertEqual({row[2] for row in self.seen(page)}, {"alias/app/billing/db", "alias/app/billing/db-writer"})
        # What was asked is a text of others too: it comes with the address.
        page = self.show("#q=<img src=x onerror=alert(4)>&kind=<script>")
        self.assertEqual(page.evaluate("document.images.length"), 0)

    def test_texts_of_others_in_an_invalid_manifest_do_nothing_either(self):
        (self.folder / "aliases.yaml").write_text(MANIFEST + "  alias/app/x: [\"<script>alert(1)</script>\"]\n", encoding="utf-8")
        self.report(expect=3)
        page = self.show()
        self.assertIn("<script>alert(1)</script>", page.evaluate("document.body.innerText"))
        self.assertEqual(page.evaluate("document.scripts.length"), 1)

    def test_ten_thousand_rows_are_all_there_and_are_counted_right(self):
        manifest, count = self.big_world()
        document = self.report("plan", "--file", manifest, expect=0, sandbox="--sandbox=state.json")
        rows = {row for row in everything(document) if row[0] != "keys"}
        self.assertEqual(len(rows), count)
        page = self.show()
        self.assertEqual({row for row in self.seen(page) if row[0] != "keys"}, rows)
        for asked in ("#kind=create", "#kind=delete", "#kind=unmanaged", "#q=alias/app/0777", "#q=7777&kind=create&kind=delete"):
            page.evaluate(f"new Promise((done) => {{ addEventListener('hashchange', () => done()); location.hash = '{asked}'; }})")
            kinds = re.findall("kind=([a-z]+)", asked)
            word = (re.findall("q=([^&]+)", asked) or [""])[0]
            wanted = {row for row in rows if (not kinds or row[1] in kinds) and word in row[2]}
            self.assertTrue(wanted)
            self.assertEqual({row for row in self.seen(page) if row[0] != "keys"}, wanted, asked)

    def test_a_run_that_could_not_read_its_targets_has_a_page_that_says_so_first(self):
        self.report("plan", "--fault", "ListAliases=access-denied", expect=1)
        said = "Errored: 3 targets could not be read"
        self.assertEqual(self.verdict(), (f"kms-alias plan: {said}", f"{said}.", "bad"))
        page = self.show()
        self.assertEqual(page.evaluate("document.querySelector('main').firstElementChild.id"), "troubles")
        self.assertIn("AccessDeniedException", page.evaluate("document.getElementById('troubles').innerText"))
        self.assertIn("3\ntargets not read", page.evaluate("document.querySelector('.totals').innerText"))
        self.assertEqual(self.seen(page), set())

    def test_an_invalid_manifest_has_a_page_that_shows_what_is_wrong(self):
        (self.folder / "aliases.yaml").write_text("version: 1\n", encoding="utf-8")
        self.report("plan", expect=3)
        self.assertEqual(self.verdict()[1:], ("Errored: it did not come to its end.", "bad"))
        self.assertIn("aliases.yaml:1", self.show(width=360).evaluate("document.getElementById('troubles').innerText"))

    def test_a_run_that_finds_nothing_to_do_has_a_page_that_says_so(self):
        lake = "  alias/data/lake: {key: mrk-1234abcd12ab34cd56ef1234567890ab, targets: [prod]}\n"
        manifest = MANIFEST.partition("aliases:\n")[0] + "aliases:\n" + lake
        (self.folder / "aliases.yaml").write_text(manifest, encoding="utf-8")
        self.report("drift", expect=0)
        self.assertEqual(self.verdict(), ("kms-alias drift: No drift", "No drift.", "clean"))

    def test_an_apply_has_a_page_that_says_what_was_done(self):
        (self.folder / "aliases.yaml").write_bytes((ROOT / "aliases.yaml").read_bytes())
        self.report("apply", "--yes", expect=0)
        self.assertEqual(self.verdict(), ("kms-alias apply: Applied: 5 changes", "Applied: 5 changes.", "clean"))
        rows = [text.splitlines() for table, *_, text in self.show().evaluate(ROWS) if table == "changes"]
        self.assertEqual([lines.count("done") for lines in rows], [1] * 5, rows)

    def test_an_apply_that_is_incomplete_has_a_page_that_says_what_is_left(self):
        (self.folder / "aliases.yaml").write_bytes((ROOT / "aliases.yaml").read_bytes())
        self.report("apply", "--yes", "--fault", "UpdateAlias=access-denied", expect=6)
        self.assertEqual(self.verdict()[1:], ("Incomplete: 3 of 5 changes applied.", "bad"))
        self.assertIn("not converged", self.show().evaluate("document.getElementById('troubles').innerText"))

    def verdict(self):
        """The title, the sentence, and how it looks"""
        said = "document.querySelector('.verdict')"
        return tuple(self.show().evaluate(f"[document.title, {said}.innerText, {said}.classList[1]]"))

    def describe(self, key, description, manifest="aliases.yaml"):
        """Keeps a sandbox in state.json in which a key of production has this description"""
        self.kms_alias("drift", "--quiet", "--sandbox=state.json", "--file", manifest, expect=2)
        state = self.state()
        state["accounts"]["111122223333"]["us-east-1"]["keys"][key]["description"] = description
        (self.folder / "state.json").write_text(json.dumps(state), encoding="utf-8")

    def state(self):
        return json.loads((self.folder / "state.json").read_text(encoding="utf-8"))

    def big_world(self, count=10_000):
        """A manifest for which half of so many names are created, a quarter deleted, and a quarter nobody's; no key has more than 50"""
        head = "version: 1\nscope: [alias/app/]\nguards: {max_delete: 100%}\n"
        head += 'targets:\n  prod: {account: "111122223333", region: us-east-1}\naliases:\n'
        manifest = self.folder / "big.yaml"
        manifest.write_text(head + "  alias/app/x: absent\n", encoding="utf-8")
        self.kms_alias("plan", "--quiet", "--sandbox=state.json", "--file", "big.yaml")
        state = self.state()
        world = state["accounts"]["111122223333"]["us-east-1"]
        model = world["keys"]["bbbb2222-0000-4000-8000-000000002026"]
        world["keys"] = {f"{number:08x}-0000-4000-8000-000000000000": model for number in range(count // 50)}
        alias = world["aliases"]["alias/app/billing/db"]
        keys = sorted(world["keys"])
        world["aliases"], lines = {}, []
        for number in range(count):
            name, key = f"alias/app/{number:05}", keys[number // 50]
            if number % 2 == 0:
                lines.append(f"  {name}: {key}\n")
                continue
            world["aliases"][name] = alias | {"target": key}
            if number % 4 == 1:
                lines.append(f"  {name}: absent\n")
        manifest.write_text(head + "".join(lines), encoding="utf-8")
        (self.folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
        return "big.yaml", count


def everything(document):
    """Each row that there has to be, with what it has to show"""
    return changes(document) | unmanaged(document) | keys(document)


def changes(document):
    rows = {}
    for target in document["targets"]:
        for change in target["changes"]:
            kind = kind_of(change)
            told = [change[name] for name in ("alias", "previous_alias", "before", "after", "key_description", "blocked_by", "hint")]
            told += change["why"] + [risk["message"] for risk in change["risks"]]
            if change["previous_alias"]:
                told.append("renamed from " + change["previous_alias"])
            rows["changes", kind, change["alias"], target["name"]] = [kind, target["name"], place(change), *filter(None, told)]
        for unusable in target.get("unusable", []):
            told = [unusable[name] for name in ("alias", "key", "message", "hint")]
            rows["changes", "held", unusable["alias"], target["name"]] = ["unusable key", target["name"], place(unusable), *told]
    return rows


def kind_of(change):
    if change["blocked_by"]:
        return "held"
    return "rename" if change["previous_alias"] else VERBS[tuple(change["actions"])]


def place(change):
    return f"{change['source']['file']}:{change['source']['line']}"


def unmanaged(document):
    targets = document["targets"]
    every = [(name, key or "no key", target["name"]) for target in targets for name, key in target["unmanaged"].items()]
    return {("unmanaged", "unmanaged", name, target): [name, key, target] for name, key, target in every}


def keys(document):
    """Keys with what is on them once it is done, and with what leaves them"""
    rows = {}
    for target in document["targets"]:
        pairs = list(target["unmanaged"].items()) + [(name, kept["key"]) for name, kept in target["kept"].items()]
        for change in target["changes"]:
            pairs.append((change["previous_alias"] or change["alias"], change["before"]))
            pairs += [] if kind_of(change) == "held" else [(change["alias"], change["after"])]
        for name, key in pairs:
            if key:
                rows.setdefault(("keys", "key", key, target["name"]), [key, target["name"]]).append(name)
    return rows


def has_all(parts, text):
    """Whether each word is in one of the parts"""
    return all(any(word in part.lower() for part in parts) for word in text.lower().split())


def only_some(counts):
    return {name: count for name, count in counts.items() if count}


def luminance(colour):
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    levels = [int(level) / 255 for level in re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour).groups()]
    red, green, blue = (level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


if __name__ == "__main__":
    unittest.main()
