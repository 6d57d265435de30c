"""A headless Chromium, by its DevTools protocol over two pipes: no port, no driver and no package is needed for it.

https://chromedevtools.github.io/devtools-protocol/ has the methods and events by their names.
"""

import base64
import fcntl
import json
import os
import select
import signal
import subprocess
import time

# tests/run.py finds or installs it; without it the page cannot be tested, which is an error and no reason to skip.
CHROMIUM = os.environ.get("KMS_ALIAS_TEST_CHROMIUM")
FLAGS = [
    "--headless=new",
    "--no-sandbox",  # which does not work as root; nothing but our own pages is opened
    "--disable-gpu",
    "--disable-dev-shm-usage",  # which is 64 MiB in many containers
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # whatever it asks for, nothing leaves this machine
    "--remote-debugging-pipe",
]
# Seconds for one answer: nothing takes a tenth of it, but a browser that hangs shall not hang the checks.
PATIENCE = 60
# Those that are not letters: the name, the number, and the text that each enters.
KEYS = {"Tab": ("Tab", 9, ""), "Enter": ("Enter", 13, "\r"), " ": ("Space", 32, " "), "Delete": ("Delete", 46, "")}


class BrowserError(Exception):
    """The browser does not do what it is told, or a page throws where it is asked"""


class Browser:
    """The process; everything that it writes is in `folder`. Each `Page` of it is a window of its own"""

    def __init__(self, folder):
        if not CHROMIUM:
            raise BrowserError("KMS_ALIAS_TEST_CHROMIUM does not say where Chromium is; tests/run.py finds or installs it")
        self.last = 0
        self.events = []
        self.rest = b""
        commands, self.commands = (out_of_the_way(end) for end in os.pipe())
        self.answers, answers = (out_of_the_way(end) for end in os.pipe())
        self.log = folder / "chromium.log"
        # It reads from descriptor 3 and writes to 4.
        begin = ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "chromium", CHROMIUM]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*begin, *FLAGS, f"--user-data-dir={folder / 'profile'}"],
                pass_fds=(commands, answers),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"HOME": str(folder)},
                start_new_session=True,
            )
        os.close(commands)
        os.close(answers)

    def close(self):
        """Ends it, and whatever it has started: they are one process group"""
        os.close(self.commands)
        os.close(self.answers)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def call(self, method, session=None, **parameters):
        """What a method answers; events before its answer are kept"""
        sent = self.send(method, session, parameters)
        answer = self.wait_for(lambda message: message.get("id") == sent)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def send(self, method, session, parameters):
        """Calls a method without waiting for its answer, which has the number that is returned"""
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        left = json.dumps(message).encode() + b"\0"
        try:
            while left:
                left = left[os.write(self.commands, left) :]
        except BrokenPipeError:
            raise self.ended() from None
        return self.last

    def wait_for(self, is_it):
        """The next message that is it; events are kept, whether they are it or not"""
        until = time.monotonic() + PATIENCE
        while True:
            while b"\0" in self.rest:
                text, _, self.rest = self.rest.partition(b"\0")
                message = json.loads(text)
                if "method" in message:
                    self.events.append(message)
                # Until it is closed, its page answers nothing; `complaints` has it all the same.
                if message.get("method") == "Page.javascriptDialogOpening":
                    self.send("Page.handleJavaScriptDialog", message["sessionId"], {"accept": False})
                if is_it(message):
                    return message
            if not select.select([self.answers], [], [], max(0, until - time.monotonic()))[0]:
                raise BrowserError(f"no answer for {PATIENCE} s")
            read = os.read(self.answers, 1 << 20)
            if not read:
                raise self.ended()
            self.rest += read

    def ended(self):
        return BrowserError(f"{CHROMIUM} has ended, and said: {self.log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


class Page:
    """One window, empty at first, and what its page has asked for and complained of"""

    def __init__(self, browser):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        # Keys go to the page, whichever window is in front.
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def call(self, method, **parameters):
        return self.browser.call(method, session=self.session, **parameters)

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
        self.browser.events = [event for event in self.browser.events if event.get("sessionId") != self.session]

    def open(self, url):
        """Loads a document, to its end"""
        went = self.call("Page.navigate", url=url)
        if "errorText" in went:
            raise BrowserError(f"{url}: {went['errorText']}")

        def is_loaded(event):
            """That very document: an earlier one may still be telling of itself"""
            told = event.get("params", {})
            return event.get("method") == "Page.lifecycleEvent" and (told["name"], told["loaderId"]) == ("load", went["loaderId"])

        if not any(map(is_loaded, self.browser.events)):
            self.browser.wait_for(is_loaded)

    def evaluate(self, expression):
        """The value of an expression of JavaScript, a promise's once it is kept; this works without the page's own scripts too"""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return answer["result"].get("value")

    def press(self, key):
        """One of `KEYS`, down and up"""
        code, number, text = KEYS[key]
        pressed = {"key": key, "code": code, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **pressed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def type(self, text):
        """Text, where the focus is"""
        self.call("Input.insertText", text=text)

    def set_scheme(self, scheme):
        """`light` or `dark`, as the reader's system is set"""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def print_it(self):
        """As it is on paper"""
        self.call("Emulation.setEmulatedMedia", media="print")

    def forbid_scripts(self):
        """For the documents that are opened from now on"""
        self.call("Emulation.setScriptExecutionDisabled", value=True)

    def set_width(self, width, height=800):
        """Of the window, in CSS pixels; on a narrow one as on a phone, without room for scroll bars"""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def screenshot(self, path):
        """The window, for people to look at; no check does"""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def requests(self):
        """The addresses of all that was asked for, the document's own included"""
        return [event["params"]["request"]["url"] for event in self.heard("Network.requestWillBeSent")]

    def complaints(self):
        """Exceptions, and what the console was told: by scripts, or by the browser, as of what the page's policy forbids"""
        thrown = [event["params"]["exceptionDetails"]["text"] for event in self.heard("Runtime.exceptionThrown")]
        logged = [event["params"]["entry"]["text"] for event in self.heard("Log.entryAdded")]
        told = [str(event["params"]["args"]) for event in self.heard("Runtime.consoleAPICalled")]
        dialogs = [event["params"]["message"] for event in self.heard("Page.javascriptDialogOpening")]
        return thrown + logged + told + dialogs

    def heard(self, method):
        events = self.browser.events
        return [event for event in events if event["method"] == method and event.get("sessionId") == self.session]


def out_of_the_way(descriptor):
    """The same descriptor by a number that is neither 3 nor 4"""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved
