//! The tables of the language -> the reference of the manifest, as Markdown: a section for each mapping, a line for each word. Pure.

use std::fmt::Write as _;

use crate::load::language::{LANGUAGE, Otherwise, Shape, Word, Words};

const INTRODUCTION: &str = "\
# The manifest

<!-- `kms-alias schema -o markdown` writes this page. -->

A manifest is YAML 1.2: what each alias points at, where, and what may be done about it. This page has every word of the language;
[aliases.yaml](../aliases.yaml) is an example with comments. `kms-alias validate` checks a manifest offline and shows every problem at
once, with its place and its fix.

A directory is a manifest too: its files, `*.yaml` and `*.yml`, are read in the order of their paths. `aliases` may stand in each of
them, everything else in one. `-` is standard input.

Unknown words, words that are written twice, and a `null` where a value belongs are errors. Anchors and merge keys (`<<`) work, and
keys that begin with `x-` at the top of a file are not read, so that what anchors share can stand there. Account ids are quoted: without
quotes they are numbers, and leading zeros are lost.

## In an editor

[schema/aliases.schema.json](../schema/aliases.schema.json) is the JSON Schema of the language, and `kms-alias schema` prints that of the
program you have. Editors with the YAML language server, as VS Code with its YAML extension, then complete the words, explain them,
and mark what does not fit:

```sh
kms-alias schema > aliases.schema.json
```

```yaml
# yaml-language-server: $schema=./aliases.schema.json
version: 1
```

A schema sees one file, and the shape of what is in it. What depends on more, as a name outside the scope or an alias that is declared
twice, `kms-alias validate` tells.

## As everybody writes it

`kms-alias fmt` writes the files of a manifest anew where they are not so, and names them; `kms-alias fmt --check` writes nothing, shows
what would change, and exits with 2 if anything would. `-f -` reads stdin and prints to stdout. What it does:

- Keys at the top of a file stand in the order of the table below, each with the comments and blank lines directly above it that are not
  indented. A key that begins with `x-` stands before the key that it stood before. Comments at the top and at the end of the file stay there.
- Aliases are sorted by name within a run: entries without a blank line between them. A comment directly above an entry moves with it, so
  put a blank line below what is a heading for several.
- Where an anchor makes the order mean something, all stays in its order.
- Two spaces for each level, dashes included; one space after `:` and `,`, none inside of brackets, no comma before a
  bracket that closes on the same line, at least two spaces before a comment; no blanks at the end of a line, and no two blank lines in a row.
- Quotes go where no reader of YAML could take the word for anything else: `\"live\"` becomes `live`, and `\"111122223333\"`, `\"no\"` and
  `\"@live\"` stay as they are.

Nothing else changes. What is written has been read again before: it says the same, and has the same comments, or nothing is written.
";

/// The whole page
pub fn reference() -> String {
    let sections = LANGUAGE.iter().map(|words| section(words));
    INTRODUCTION.to_owned() + &sections.collect::<String>()
}

/// The table of a mapping's words, under its heading
pub(crate) fn section(words: &Words) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", title(words), words.about);
    text += "| word | takes | without it | what it is for | example |\n|---|---|---|---|---|\n";
    for word in words.known {
        let Word { name, about, shape, .. } = word;
        let (takes, without) = (cell(&takes(shape)), cell(&without(word)));
        let _ =
            writeln!(text, "| `{name}` | {takes} | {without} | {} | `{}` |", cell(about), cell(word.example));
    }
    text
}

fn title(words: &Words) -> String {
    let mut title = words.what.replace('`', "");
    title[..1].make_ascii_uppercase();
    title
}

/// As GitHub makes them
fn anchor(words: &Words) -> String {
    title(words).to_lowercase().replace(' ', "-")
}

/// A column ends at a `|`, in code as well
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn without(word: &Word) -> String {
    match word.otherwise {
        Otherwise::Same(default) => format!("`{default}`"),
        Otherwise::Told(sentence) => sentence.to_owned(),
        Otherwise::Error => "an error".to_owned(),
    }
}

fn takes(shape: &Shape) -> String {
    match shape {
        Shape::Text(text) => text.what.to_owned(),
        Shape::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
        Shape::Boolean => "`true` or `false`".to_owned(),
        Shape::Exactly(number) => format!("`{number}`"),
        Shape::Count(least) => format!("a whole number, {least} or more"),
        Shape::Number(least) => format!("a number, at least {least}"),
        Shape::List(item, _) => format!("a list, each {}", takes(item)),
        Shape::Map { kinds, .. } => {
            let kinds = kinds.iter().map(|(key, shape)| format!("{} to {}", key.what, takes(shape)));
            format!("a mapping from {}", kinds.collect::<Vec<_>>().join(", or from "))
        }
        Shape::Mapping(words) => format!("[{}](#{})", words.what, anchor(words)),
        Shape::Either([others @ .., last]) => {
            let others = others.iter().map(takes).collect::<Vec<_>>();
            format!("{}, or {}", others.join(", "), takes(last))
        }
        Shape::Either([]) => String::new(),
    }
}
