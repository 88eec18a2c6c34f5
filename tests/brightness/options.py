"""What may be chosen for a prediction: what all tasks let one choose."""

from deepresolve.tasks import options


class Options(options.Options):
    """Options of a grading."""

    title = "Brightness"
