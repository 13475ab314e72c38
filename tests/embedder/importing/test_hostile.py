"""Files that would do harm are refused, and nothing of them runs."""

import copy
import json
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.errors import ModelError
from embedder.importing.keras_files.archive import opened_keras
from embedder.importing.keras_files.cut import calls_to, find_base
from embedder.importing.keras_files.screening import screen_calls, screen_file
from embedder.importing.keras_files.tracing import trace

h5py = pytest.importorskip("h5py")


def dense(name, **entry):
    """A model of one input, one strange layer and a dense one."""
    strange = {
        "module": "keras.layers",
        "class_name": "Flatten",
        "config": {"name": "strange"},
        "registered_name": None,
        "inbound_nodes": [[["pixels", 0, 0, {}]]],
        **entry,
    }
    layers = [
        {
            "class_name": "InputLayer",
            "config": {"name": "pixels", "batch_shape": [None, 8, 8]},
            "inbound_nodes": [],
        },
        {**strange, "name": "strange"},
        {
            "class_name": "Dense",
            "config": {"name": "end", "units": 3},
            "name": "end",
            "inbound_nodes": [[["strange", 0, 0, {}]]],
        },
    ]
    config = {
        "name": name,
        "layers": layers,
        "input_layers": [["pixels", 0, 0]],
        "output_layers": [["end", 0, 0]],
    }
    return {"class_name": "Functional", "module": "keras", "config": config}


def screen(config):
    screen_file(config, "file.keras")
    graph = trace(config, "file.keras")
    screen_calls(calls_to(find_base(graph, None, "file.keras")), "file.keras")


def test_a_plain_network_passes():
    screen(dense("plain"))


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        ("os", "system"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("keras.utils", "get_file"),
        ("keras.src.utils.file_utils", "get_file"),
        ("keras.layers", "TFSMLayer"),
        ("my_package.layers", "Dense"),
        ("keras.src.legacy.layers", "RandomHeight"),
        ("keras.layers", "Lambda"),
        ("keras.layers", "TimeDistributed"),
    ],
)
def test_a_class_outside_the_list_is_refused_in_the_base(module, kind):
    with pytest.raises(ModelError, match=kind):
        screen(dense("hostile", module=module, class_name=kind))


def test_a_registered_class_of_a_stranger_is_refused_though_it_is_called_dense():
    with pytest.raises(ModelError, match="strange"):
        screen(dense("hostile", class_name="Flatten", registered_name="stranger>Flatten"))


@pytest.mark.parametrize(
    ("key", "module", "kind"),
    [
        ("kernel_initializer", "os", "system"),
        ("kernel_initializer", "keras.saving", "load_model"),
        ("activation", None, "__lambda__"),
        ("kernel_regularizer", "stranger", "L2"),
        ("dtype", "keras.src.saving", "Anything"),
    ],
)
def test_a_setting_that_names_another_object_is_refused(key, module, kind):
    setting = {"module": module, "class_name": kind, "config": {}}
    with pytest.raises(ModelError, match=kind):
        screen(dense("hostile", config={"name": "strange", key: setting}))


def test_the_names_of_the_system_are_refused_on_top_of_a_base_too():
    config = dense("hostile")
    config["config"]["layers"][-1] |= {"module": "os", "class_name": "system"}
    with pytest.raises(ModelError, match=r"os\.system"):
        screen(config)


@pytest.mark.parametrize("key", ["layers", "input_layers", "output_layers"])
@pytest.mark.parametrize("value", [None, 7, [], [["nowhere", 0, 0]], "text", {"a": 1}])
def test_a_damaged_configuration_is_refused_in_one_sentence(key, value):
    config = copy.deepcopy(dense("damaged"))
    config["config"][key] = value
    with pytest.raises(ModelError):
        screen(config)


def places(value, before=()):
    """Every place in nested lists and dictionaries, as a path of keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items if isinstance(value, (dict, list)) else ():
        yield (*before, key)
        if isinstance(inner, (dict, list)):
            yield from places(inner, (*before, key))


PLACES = list(places(dense("plain")))
STRANGE = st.sampled_from(
    [None, True, -1, 10**12, 1.5, float("nan"), "", "x", [], [1], [None], {}, {"class_name": [1]}]
)


@given(st.sampled_from(PLACES), STRANGE)
def test_whatever_stands_in_a_configuration_it_is_taken_or_refused_in_one_sentence(place, value):
    config = dense("damaged")
    inner = config
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with suppress(ModelError):
        screen(config)


def test_calls_that_wait_for_each_other_are_refused():
    config = dense("circle")
    config["config"]["layers"][1]["inbound_nodes"] = [[["end", 0, 0, {}]]]
    with pytest.raises(ModelError, match="do not fit together"):
        screen(config)


@pytest.fixture
def h5(tmp_path):
    """An `.h5` file with weights for the dense layer."""
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(dense("plain"))
        file.create_dataset("model_weights/end/end/kernel", data=[[1.0]])
    return tmp_path / "weights.h5"


def external_link(file, tmp_path):
    file["model_weights/end/link"] = h5py.ExternalLink("other.h5", "/secret")


def soft_link(file, tmp_path):
    file["model_weights/end/link"] = h5py.SoftLink("/model_weights")


def external_storage(file, tmp_path):
    file.create_dataset(
        "model_weights/end/link", (1,), "f4", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]
    )


def virtual(file, tmp_path):
    layout = h5py.VirtualLayout((1,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "secret", (1,))
    file.create_virtual_dataset("model_weights/end/link", layout)


def huge(file, tmp_path):
    file.create_dataset("model_weights/end/link", (1 << 30,), "f4", chunks=(1 << 20,))


@pytest.mark.parametrize("spoil", [external_link, soft_link, external_storage, virtual, huge])
def test_weights_that_lie_elsewhere_or_have_no_end_are_refused(h5, tmp_path, spoil):
    with opened_keras(h5) as file:
        assert file.by_name
    with h5py.File(h5, "a") as file:
        spoil(file, tmp_path)
    with (
        pytest.raises(ModelError, match=r"another file or place|more than 2 GiB"),
        opened_keras(h5),
    ):
        pass


def test_a_damaged_file_is_refused(h5, tmp_path):
    content = h5.read_bytes()
    (tmp_path / "half.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match="damaged"), opened_keras(tmp_path / "half.h5"):
        pass


def test_a_zip_that_lacks_a_part_is_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    archive = shutil.make_archive(str(tmp_path / "x"), "zip", tmp_path, "config.json")
    with pytest.raises(ModelError, match=r"metadata\.json"), opened_keras(Path(archive)):
        pass
