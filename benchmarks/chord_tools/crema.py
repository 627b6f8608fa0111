"""crema (McFee and Bello, ISMIR 2017): structured training, 170 classes with inversions. Python 3.10 at most.

pip install "setuptools<70" wheel "numpy==1.23.5"
pip install "tensorflow-cpu==2.15.1" "numpy==1.23.5" "librosa==0.9.2"
pip install crema "numpy==1.23.5" "librosa==0.9.2"
"""

import functools

PACKAGES = ("crema", "tensorflow-cpu", "librosa", "numpy")


def load():
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from crema.models.chord import ChordModel

    model = ChordModel()
    model.model.predict = functools.partial(model.model.predict, verbose=0)  # no progress bars

    def recognise(path):
        return [(o.time, o.time + o.duration, o.value) for o in model.predict(filename=path).data]

    return recognise
