"""The layers and operations of Keras that are built again, with the settings that each keeps.

Anything else that stands in the part of a file that is imported is refused before it is built. A
class is taken from the public `keras.layers` or `keras.ops` by its name here; the module that a
file names is compared with those below and never imported.
"""

from __future__ import annotations

from typing import Any

MODELS = frozenset({"Functional", "Model", "Sequential"})

_CONV = ("kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation")
_POOL = ("pool_size", "strides", "padding", "data_format")
_GLOBAL = ("data_format", "keepdims")

# Settings by class. The weighted ones hold arrays; the rest follow from their settings alone.
WEIGHTED: dict[str, tuple[str, ...]] = {
    "BatchNormalization": ("axis", "epsilon", "center", "scale"),
    "Conv2D": ("filters", "groups", "use_bias", *_CONV),
    "Conv2DTranspose": ("filters", "output_padding", "use_bias", *_CONV),
    "Dense": ("units", "activation", "use_bias"),
    "DepthwiseConv2D": ("depth_multiplier", "use_bias", *_CONV),
    "GroupNormalization": ("groups", "axis", "epsilon", "center", "scale"),
    "LayerNormalization": ("axis", "epsilon", "center", "scale"),
    "Normalization": ("axis", "mean", "variance", "invert"),
    "PReLU": ("shared_axes",),
    "SeparableConv2D": ("filters", "depth_multiplier", "use_bias", *_CONV),
}
WEIGHTLESS: dict[str, tuple[str, ...]] = {
    "Activation": ("activation",),
    "Add": (),
    "Average": (),
    "AveragePooling2D": _POOL,
    "Concatenate": ("axis",),
    "Cropping2D": ("cropping", "data_format"),
    "ELU": ("alpha",),
    "Flatten": ("data_format",),
    "GlobalAveragePooling2D": _GLOBAL,
    "GlobalMaxPooling2D": _GLOBAL,
    "LeakyReLU": ("negative_slope",),
    "MaxPooling2D": _POOL,
    "Maximum": (),
    "Minimum": (),
    "Multiply": (),
    "Permute": ("dims",),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "Rescaling": ("scale", "offset"),
    "Reshape": ("target_shape",),
    "Resizing": ("height", "width", "interpolation", "crop_to_aspect_ratio", "data_format"),
    "Softmax": ("axis",),
    "Subtract": (),
    "UnitNormalization": ("axis",),
    "UpSampling2D": ("size", "data_format", "interpolation"),
    "ZeroPadding2D": ("padding", "data_format"),
}
LAYERS = WEIGHTED | WEIGHTLESS

# They do something in training only: in use each gives what it gets.
IDENTITIES = frozenset(
    [
        "ActivityRegularization",
        "AlphaDropout",
        "Dropout",
        "GaussianDropout",
        "GaussianNoise",
        "RandomBrightness",
        "RandomContrast",
        "RandomFlip",
        "RandomRotation",
        "RandomTranslation",
        "RandomZoom",
        "SpatialDropout2D",
    ]
)

ACTIVATIONS = frozenset(
    [
        "elu",
        "exponential",
        "gelu",
        "hard_sigmoid",
        "hard_silu",
        "hard_swish",
        "leaky_relu",
        "linear",
        "log_softmax",
        "mish",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
        "silu",
        "softmax",
        "softplus",
        "softsign",
        "swish",
        "tanh",
    ]
)

# Operations on tensors, as Keras 3 and Keras 2 write them, to functions of `keras.ops`.
OPERATIONS_MODULE = "keras.src.ops.numpy"
OPERATIONS: dict[tuple[str, str], str] = {
    (OPERATIONS_MODULE, "Add"): "add",
    (OPERATIONS_MODULE, "Multiply"): "multiply",
    (OPERATIONS_MODULE, "Subtract"): "subtract",
    (OPERATIONS_MODULE, "Absolute"): "absolute",
    (OPERATIONS_MODULE, "Divide"): "divide",
    (OPERATIONS_MODULE, "Maximum"): "maximum",
    (OPERATIONS_MODULE, "Mean"): "mean",
    (OPERATIONS_MODULE, "Negative"): "negative",
    (OPERATIONS_MODULE, "Sqrt"): "sqrt",
    (OPERATIONS_MODULE, "Square"): "square",
    (OPERATIONS_MODULE, "Sum"): "sum",
    (OPERATIONS_MODULE, "TrueDivide"): "true_divide",
    ("TFOpLambda", "__operators__.add"): "add",
    ("TFOpLambda", "math.add"): "add",
    ("TFOpLambda", "math.divide"): "true_divide",
    ("TFOpLambda", "math.l2_normalize"): "normalize",
    ("TFOpLambda", "math.multiply"): "multiply",
    ("TFOpLambda", "math.subtract"): "subtract",
    ("TFOpLambda", "math.truediv"): "true_divide",
}
# Settings of an operation that its config holds, not its call.
OPERATION_SETTINGS = ("axis", "keepdims")
# How `tf` calls the arguments that `keras.ops` calls otherwise; `name` means nothing.
RENAMED = {"x": "x1", "y": "x2"}

_OWN_MODULES = frozenset(
    [
        "keras",
        "keras.layers",
        "keras.models",
        "keras.engine.functional",
        "keras.engine.sequential",
        "keras.src.engine.functional",
        "keras.src.engine.sequential",
        "keras.src.models.functional",
        "keras.src.models.sequential",
        "keras.src.ops.numpy",
        "tensorflow.keras.layers",
        "tf_keras",
        "tf_keras.layers",
        "tf_keras.src.engine.functional",
        "tf_keras.src.engine.sequential",
    ]
)

_HARMLESS = {
    "keras": {"DTypePolicy", "FloatDTypePolicy"},
    "keras.mixed_precision": {"Policy"},
    "keras.initializers": set(
        [
            "Constant",
            "GlorotNormal",
            "GlorotUniform",
            "HeNormal",
            "HeUniform",
            "Identity",
            "LecunNormal",
            "LecunUniform",
            "Ones",
            "Orthogonal",
            "OrthogonalInitializer",
            "RandomNormal",
            "RandomUniform",
            "TruncatedNormal",
            "VarianceScaling",
            "Zeros",
        ]
    ),
    "keras.regularizers": {"L1", "L2", "L1L2", "OrthogonalRegularizer"},
    "keras.constraints": {"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"},
    "keras.activations": set(ACTIVATIONS),
    "builtins": {"function"},
}
_HARMLESS_NAMES = frozenset().union(*_HARMLESS.values())


def is_keras_own(entry: dict[str, Any]) -> bool:
    """Tell whether an entry of a configuration names a class of Keras's, not one of a stranger's.

    Args:
        entry: With `class_name`, and perhaps `module` and `registered_name`.

    Example:
        >>> is_keras_own({"class_name": "Dense", "module": "keras.layers"})
        True
        >>> is_keras_own({"class_name": "Dense", "registered_name": "my_package>Dense"})
        False
    """
    registered = entry.get("registered_name")
    return entry.get("module") in (None, *_OWN_MODULES) and registered in (
        None,
        entry.get("class_name"),
    )


def is_harmless(entry: dict[str, Any]) -> bool:
    """Tell whether a setting that names a class names one that only trains, or rounds.

    Such a setting (an initializer, a regularizer, a type of number) is not used: weights come from
    the file, and the network is built in float32.

    Args:
        entry: With `class_name`, and perhaps `module`.
    """
    module, name = entry.get("module"), entry.get("class_name")
    if not isinstance(name, str):
        return False
    if module is None:  # Keras 2
        return name in _HARMLESS_NAMES
    return isinstance(module, str) and name in _HARMLESS.get(module.removeprefix("tf_"), set())
