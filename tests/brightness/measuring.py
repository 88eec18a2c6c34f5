"""What an evaluation measures of a scan: its class, over the cohort."""

from brightness.predictor import TABLE
from deepresolve.metrics.comparison import Comparison


def comparisons(run, predictor, subject, label_names):
    scaled = subject.scale.apply(subject.image.array)
    true = int(scaled.mean() >= run.config.bright_from)
    ((found, _),) = predictor.predict(subject.image).tables[TABLE]
    yield Comparison("classes", true, found, source="brightness", image_set="scan")
