r"""How soon a reader sees a case, and how fast it scrolls, in a real browser.

    python benchmarks/reading.py --output=DIR [--shape=384,384,160]

Makes a study of two cases of three image sets, serves it on this machine, and opens it
in a headless Chromium without a GPU. Times are from the start of the page's loading to
the first slices and to all of them; while the wheel turns in each frame, from a turn
to the end of the drawing of all nine panes (the wait for the frame included), and from
one frame to the next. Prints the figures and writes reading.json.
"""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from absl import flags

from deepresolve.system import entry, path_flags

FLAGS = flags.FLAGS

path_flags.define("output", None, "Folder for the figures.")
flags.DEFINE_list("shape", ["384", "384", "160"], "Voxels: down, back, across.")
flags.DEFINE_list("window", ["2560", "1440"], "Of the browser, in pixels.")
flags.DEFINE_integer("steps", 60, "Turns of the wheel in each plane.", 1)
flags.mark_flag_as_required("output")

_SETS = ("ground_truth", "sr", "tci")
_SCROLL = """
const [plane, steps, done] = arguments;
const canvas = document.querySelector(`canvas[data-plane=${plane}]`);
const frame = () => new Promise(requestAnimationFrame);
const run = async () => {
  const taken = {drawing: [], drawn: [], frame: []};
  let last = await frame();
  for (let n = 0; n < steps; n++) {
    const start = performance.now();
    const deltaY = n < steps / 2 ? 100 : -100;
    canvas.dispatchEvent(new WheelEvent("wheel", {deltaY, bubbles: true}));
    const now = await frame();
    const [draw] = performance.getEntriesByName("draw");
    taken.drawing.push(draw.duration);
    taken.drawn.push(draw.startTime + draw.duration - start);
    taken.frame.push(now - last);
    last = now;
  }
  return taken;
};
run().then(done);
"""


def _evaluation(folder: pathlib.Path) -> None:
    """Volumes as an evaluation leaves them; what is in them does not change a time."""
    import numpy as np

    from deepresolve.imaging import formats
    from deepresolve.imaging.volume import Volume

    shape = tuple(int(n) for n in FLAGS.shape)
    affine = np.array(
        [[0, 0, -0.7, 0], [0, -0.365, 0, 0], [-0.365, 0, 0, 0], [0, 0, 0, 1]]
    )
    rows = []
    for subject in ("one", "two"):
        (folder / "volumes" / subject).mkdir(parents=True)
        for number, name in enumerate(_SETS):
            random = np.random.default_rng(number)
            voxels = random.integers(0, 3000, shape, dtype=np.int16)
            path = folder / "volumes" / subject / f"{name}.nii"
            formats.write(path, Volume(voxels, affine))
        row = {"subject": subject, "person": subject, "image_sets": _SETS}
        rows.append(row | {"window": [0, 3000]})
    described = {"version": 1, "downsample_factor": 3, "subjects": rows}
    (folder / "volumes" / "volumes.json").write_text(json.dumps(described))


def _study(folder: pathlib.Path) -> pathlib.Path:
    from deepresolve.reading.study import preparation, questions

    _evaluation(folder / "report")
    asked = questions.from_json([{"name": "diq", "title": "Quality"}])
    design = preparation.Design("Benchmark", asked, ("reader",), _SETS, repeats=1)
    preparation.prepare(folder / "report", folder / "study", design)
    return folder / "study"


def _browser():
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    names = ("chromium", "chromium-browser", "google-chrome")
    options.binary_location = next(filter(None, map(shutil.which, names)), "")
    size = ",".join(FLAGS.window)
    for flag in ("headless=new", "no-sandbox", "disable-gpu", f"window-size={size}"):
        options.add_argument(f"--{flag}")
    return webdriver.Chrome(
        options=options, service=webdriver.ChromeService(shutil.which("chromedriver"))
    )


def _mark(driver, name: str) -> float:
    """Milliseconds from the start of the page's loading; waits for it."""
    from selenium.webdriver.support.ui import WebDriverWait

    script = f"return performance.getEntriesByName('{name}').at(-1)?.startTime"
    waiting = WebDriverWait(driver, 120, poll_frequency=0.1)
    return waiting.until(lambda d: d.execute_script(script))


def _read(url: str) -> dict[str, float]:
    import numpy as np
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    driver = _browser()
    try:
        driver.get(url)
        wait = WebDriverWait(driver, 20)
        wait.until(lambda d: d.find_elements(By.CSS_SELECTOR, "button.reader"))
        driver.find_element(By.CSS_SELECTOR, "button.reader").click()
        figures = {
            "first_image_ms": _mark(driver, "first image"),
            "whole_case_ms": _mark(driver, "whole case"),
        }
        driver.set_script_timeout(120)
        for plane in ("sagittal", "coronal", "axial"):
            taken = driver.execute_async_script(_SCROLL, plane, FLAGS.steps)
            for name, times in taken.items():
                figures[f"{plane}_{name}_ms_median"] = float(np.median(times))
                figures[f"{plane}_{name}_ms_95"] = float(np.percentile(times, 95))
        return figures
    finally:
        driver.quit()


def run() -> None:
    """Makes, serves and reads a study."""
    output = pathlib.Path(FLAGS.output)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        study = _study(pathlib.Path(folder))
        command = [sys.executable, "-m", "deepresolve", "reading", "serve", "--port=0"]
        with subprocess.Popen(
            [*command, f"--study={study}"], stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                url = server.stdout.readline().split(": ", 1)[1].strip()
                figures = _read(url)
            finally:
                server.kill()
    for name, value in figures.items():
        print(f"{name:32} {value:8.1f}")
    (output / "reading.json").write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    entry.launch(run)
