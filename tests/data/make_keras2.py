"""Write tests/data/keras2: Siamese networks as Keras 2 saves them. Needs tf_keras (2.21).

    python tests/data/make_keras2.py

`siamese` has a nested base and a Lambda on top, `shared` layers that both branches call; beside
each lies what its base gives for a few inputs.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from pathlib import Path

import numpy as np
import tf_keras as keras
from tf_keras import layers

OUT = Path(__file__).parent / "keras2"
SHAPE = (8, 8, 1)
random = np.random.default_rng(0)


def distance(pair):
    """The Euclidean distance of two embeddings."""
    return keras.backend.sqrt(keras.backend.sum((pair[0] - pair[1]) ** 2, axis=1, keepdims=True))


def base_network():
    """A small base with every layer whose form differs between Keras 2 and 3."""
    start = keras.Input(SHAPE)
    x = layers.BatchNormalization()(start)
    x = layers.DepthwiseConv2D(3, activation="relu")(x)
    x = layers.Conv2D(3, 3, activation="tanh")(x)
    x = layers.LeakyReLU(alpha=0.2)(layers.MaxPooling2D()(x))
    return keras.Model(start, layers.Dense(5)(layers.Flatten()(x)))


def save(name, model, base):
    """Write a model both ways, with weights of which none is at its initial value."""
    model.set_weights([random.uniform(0.1, 1, each.shape) for each in model.get_weights()])
    inputs = random.random((4, *SHAPE), np.float32)
    np.savez(OUT / f"{name}.npz", inputs=inputs, embeddings=base.predict(inputs, verbose=0))
    model.save(OUT / f"{name}.keras")
    model.save(OUT / f"{name}.h5")


OUT.mkdir(exist_ok=True)
a, b = keras.Input(SHAPE), keras.Input(SHAPE)
base = base_network()
save("siamese", keras.Model([a, b], layers.Lambda(distance)([base(a), base(b)])), base)

a, b = keras.Input(SHAPE), keras.Input(SHAPE)
shared = [layers.Conv2D(2, 3, activation="relu"), layers.Flatten(), layers.Dense(4)]
ends = []
for each in (a, b):
    for layer in shared:
        each = layer(each)
    ends.append(each)
save("shared", keras.Model([a, b], layers.Lambda(distance)(ends)), keras.Model(a, ends[0]))
