"""The page of a reader study as a reader has it: a server, and a browser each."""

import signal
import socket
import subprocess
import sys

from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from deepresolve.reading.study import questions

ASKED = (
    questions.Question("diq", "Diagnostic image quality"),
    questions.Question("rank", "Rank", "rank"),
    questions.Question("position", "Positioning of the knee", scope="case"),
    questions.Question("remarks", "Remarks", "remark", scope="case"),
    questions.Question("findings", "Findings", "remark", scope="case"),
)
TITLE = 5 * "Super-resolution of the knee "
CELLS = [("diq", 0), ("diq", 1), ("diq", 2), ("rank", 0), ("rank", 1), ("rank", 2)]
CELLS.append(("position", -1))
_RANKS = ("123", "231", "312", "213")
_PATIENCE_S = 10


def values(reader, number):
    """What a scripted reader answers to his case of that number, in order."""
    shift = number + 2 * (reader == "ben")
    return [str((shift + n) % 5 + 1) for n in range(3)] + [
        *_RANKS[shift % 4],
        str(shift % 5 + 1),
    ]


class Server:
    """The command, as a user gives it."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self):
        command = [sys.executable, "-m", "deepresolve", "reading", "serve"]
        self.process = subprocess.Popen(
            [*command, f"--study={self.folder}", f"--port={self.port}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self.process.stdout.readline().split(": ", 1)[1].strip()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


class Page:
    """One reader's browser."""

    def __init__(self, driver, url, reader):
        self.driver = driver
        self.driver.get(url)
        self.until(lambda: self.all("button.reader"))
        next(b for b in self.all("button.reader") if b.text == reader).click()
        self.until_loaded(1)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return "".join(self.texts(selector)[:1])

    def texts(self, selector):
        """Texts of the elements, in the order of the page."""
        return self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((e) => "
            "e.textContent)",
            selector,
        )

    def until(self, condition):
        wait = WebDriverWait(self.driver, _PATIENCE_S, poll_frequency=0.02)
        return wait.until(lambda driver: condition())

    def until_loaded(self, number):
        """Until the case of this number, from 1, can be read."""
        self.until(lambda: self.text("#case").startswith(f"Case {number} of 4"))
        self.until(
            lambda: (
                self.driver.execute_script("return document.body.dataset.loaded")
                == "100"
            )
        )

    def until_saved(self):
        waiting = "return document.body.dataset.waiting"
        self.until(lambda: self.driver.execute_script(waiting) == "0")
        self.until(lambda: self.text("#saved") == "✓ Saved")

    def type(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def given(self):
        """What the panel shows, in order; "·" where nothing was answered."""
        return self.texts("#questions .cells button")

    def write(self, remark):
        """Puts a remark in, as pasting does, whatever its length."""
        self.driver.execute_script(
            "const area = document.querySelector('textarea'); area.maxLength = 1e6;"
            "area.focus(); area.value = arguments[0]; area.blur()",
            remark,
        )

    def press_at_once(self, *keys):
        """Presses keys before the page can do more than hear them."""
        self.driver.execute_script(
            "for (const key of arguments[0]) document.dispatchEvent("
            "new KeyboardEvent('keydown', {key}))",
            keys,
        )

    def lock(self):
        self.type(Keys.ENTER)
        self.until(lambda: self.text("#lock") == "Lock for good")
        self.type(Keys.ENTER)

    def labels(self):
        return [" ".join(text.split()) for text in self.texts(".plane")]

    def picture(self, n):
        return self.driver.execute_script(
            "return document.querySelectorAll('canvas')[arguments[0]].toDataURL()", n
        )

    def drawn(self):
        """Lets what is waiting be drawn."""
        self.driver.execute_async_script(
            "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))"
        )
