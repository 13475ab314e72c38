"""Light distortion of training pictures, like that of another hand or scanner.

Each picture is turned, scaled, sheared, shifted and bent a little, all in one bilinear
resampling, so that it is blurred once and not once per step. Outside its border a picture is
continued by its border's pixels. No flips: a flipped 2 is not a digit.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="likewise")
class Distortion(keras.layers.Layer):
    """Random affine and elastic distortion of a batch; the identity outside training.

    Ranges at `strength` 1: turned by ±15°, scaled by e^±0.15, sides stretched against each other
    by e^±0.1, sheared by ±0.25, shifted by ±9 % of the size; each point of a 5 × 5 grid, smoothly
    interpolated, moved by a normal of 4 % of the size.

    Args:
        strength: Factor on all ranges, >= 0.
        seed: The same seed gives the same distortions in the same order.

    Call arguments:
        inputs: Pictures, `(n, h, w)` or `(n, h, w, c)`, uint8 or float.
    """

    def __init__(self, strength: float = 1.0, seed: int = 0, **settings: Any) -> None:
        super().__init__(**settings)
        self.strength = strength
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return distorted pictures of the same shape and dtype."""
        if not training or self.strength == 0:
            return inputs
        pictures = tf.cast(inputs, tf.float32)
        pictures = pictures if len(pictures.shape) == 4 else pictures[..., None]
        y, x = self._sources(tf.shape(pictures)[0], *pictures.shape[1:3])
        moved = tf.reshape(_bilinear(pictures, y, x), tf.shape(inputs))
        return tf.cast(tf.round(moved), inputs.dtype) if inputs.dtype == "uint8" else moved

    def _sources(self, n: Any, height: int, width: int) -> tuple[Any, Any]:
        """Source position of each pixel: two tensors `(n, h, w)`, in pixels."""

        def spread(limit: float) -> Any:
            limit *= self.strength
            return keras.random.uniform((n, 1, 1), -limit, limit, seed=self.seed_generator)

        y = (tf.range(height, dtype=tf.float32) - (height - 1) / 2)[None, :, None]
        x = (tf.range(width, dtype=tf.float32) - (width - 1) / 2)[None, None, :]
        angle, scale, stretch = spread(0.26), tf.exp(spread(0.15)), tf.exp(spread(0.1))
        turned_x = (tf.cos(angle) * x - tf.sin(angle) * y) * scale * stretch
        turned_y = (tf.sin(angle) * x + tf.cos(angle) * y) * scale / stretch
        bend = keras.random.normal(
            (n, 5, 5, 2), stddev=0.04 * self.strength, seed=self.seed_generator
        )
        bend = tf.image.resize(bend, (height, width), "bicubic")
        from_x = turned_x + spread(0.25) * turned_y + (spread(0.09) + bend[..., 0]) * width
        from_y = turned_y + (spread(0.09) + bend[..., 1]) * height
        return from_y + (height - 1) / 2, from_x + (width - 1) / 2

    def get_config(self) -> dict[str, Any]:
        """Return the configuration of this layer."""
        return {**super().get_config(), "strength": self.strength, "seed": self.seed}


def _bilinear(pictures: Any, y: Any, x: Any) -> Any:
    """Sample `(n, h, w, c)` at `(n, h, w)` positions, clamped to the border."""
    n, (height, width, channels) = tf.shape(pictures)[0], pictures.shape[1:]
    y = tf.clip_by_value(y, 0.0, height - 1.0)
    x = tf.clip_by_value(x, 0.0, width - 1.0)
    top, left = tf.floor(y), tf.floor(x)
    flat = tf.reshape(pictures, (n, height * width, channels))

    def at(rows: Any, columns: Any) -> Any:
        inside = tf.minimum(rows, height - 1) * width + tf.minimum(columns, width - 1)
        return tf.gather(flat, tf.reshape(inside, (n, height * width)), batch_dims=1)

    rows, columns = tf.cast(top, tf.int32), tf.cast(left, tf.int32)
    down = tf.reshape(y - top, (n, height * width, 1))
    right = tf.reshape(x - left, (n, height * width, 1))
    upper = (1 - right) * at(rows, columns) + right * at(rows, columns + 1)
    lower = (1 - right) * at(rows + 1, columns) + right * at(rows + 1, columns + 1)
    return (1 - down) * upper + down * lower
