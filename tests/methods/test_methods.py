"""The registry of methods, and what holds for every one of them."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest

from dogcam.methods import AT_THE_INPUT, AT_THE_LAYER, METHODS, NEEDS, PROBES, Method, method

ONE_PASS = [name for name, row in METHODS.items() if not row.probing]
PROBING = [name for name, row in METHODS.items() if row.probing]


def test_every_method_has_a_loop_written_from_its_paper(oracles, probing_oracles):
    assert set(oracles.ONE_PASS) == set(ONE_PASS)
    assert set(probing_oracles.PROBING) == set(PROBING)


@pytest.mark.parametrize("name", METHODS)
class TestEveryRow:
    def test_it_tells_where_the_method_comes_from(self, name):
        row = METHODS[name]
        assert row.title
        assert str(row.year) in row.paper
        assert 2012 <= row.year <= 2030

    def test_it_tells_how_often_the_network_runs(self, name):
        assert METHODS[name].passes

    def test_it_asks_for_what_there_is(self, name):
        assert METHODS[name].needs
        assert set(METHODS[name].needs) <= set(NEEDS)

    def test_the_function_takes_what_it_says_it_needs(self, name):
        assert tuple(inspect.signature(METHODS[name].function).parameters) == ("xp", *METHODS[name].needs)

    def test_the_function_says_what_it_computes(self, name):
        assert inspect.getdoc(METHODS[name].function)

    def test_it_exists_only_at_the_pooled_layer_if_it_needs_class_weights(self, name):
        assert METHODS[name].only_pooled == ("class_weights" in METHODS[name].needs)

    def test_a_map_of_the_input_needs_nothing_of_a_layer(self, name):
        assert METHODS[name].at_layer == bool(set(METHODS[name].needs) & {*AT_THE_LAYER, "rerun"})


class TestTheTable:
    def test_every_need_is_described_and_asked_for_by_some_method(self):
        described = {**AT_THE_LAYER, **AT_THE_INPUT, **PROBES}
        assert tuple(described) == NEEDS
        assert all(described.values())
        assert {need for row in METHODS.values() for need in row.needs} == set(NEEDS)

    def test_only_cam_is_bound_to_the_pooled_layer(self):
        assert [name for name, row in METHODS.items() if row.only_pooled] == ["cam"]

    def test_only_ablationcam_is_meant_for_positive_scores(self):
        assert [name for name, row in METHODS.items() if row.positive_only] == ["ablationcam"]

    def test_the_baselines(self):
        assert {name for name, row in METHODS.items() if row.baseline} == {"centre-gaussian", "random-map", "random-weights"}

    def test_the_class_plays_no_part_in(self):
        """Muhammad 2020, Karmani 2024, Fuad 2020, and maps made of nothing but the activations or the input."""
        blind = {"eigencam", "kpca-cam", "fem", "mean-activation", "centre-gaussian", "random-map"}
        assert {name for name, row in METHODS.items() if not row.class_specific} == blind

    def test_the_map_is_of_the_input_in(self):
        assert {name for name, row in METHODS.items() if not row.at_layer} == {
            *("saliency", "guided-backprop", "smoothgrad", "integrated-gradients", "fullgrad"),
            *("occlusion", "rise", "centre-gaussian", "random-map"),
        }

    def test_which_ask_the_network_again(self):
        assert set(PROBING) == {
            *("scorecam", "faster-scorecam", "ss-cam", "is-cam", "ablationcam", "occlusion", "rise"),
            *("smoothgrad", "smooth-gradcam++", "integrated-gradients", "random-map"),
        }

    @pytest.mark.parametrize(
        ("name", "passes"),
        [
            ("cam", "1 F"),
            ("gradcam", "1 F + 1 B"),
            ("shapleycam", "1 F + 2 B"),
            ("guided-gradcam", "2 F + 2 B"),
            ("smoothgrad", "26 F + 25 B"),
            ("smooth-gradcam++", "26 F + 25 B"),
            ("integrated-gradients", "33 F + 32 B"),
            ("scorecam", "K + 1 F"),
            ("faster-scorecam", "11 F"),
            ("ss-cam", "35 K + 1 F"),
            ("is-cam", "10 K + 1 F"),
            ("rise", "1001 F"),
            ("centre-gaussian", "none"),
            ("random-map", "none"),
        ],
    )
    def test_how_often_the_network_runs(self, name, passes):
        assert METHODS[name].passes == passes


class TestWhereTheFormulasHaveHoles:
    """Zeros in denominators, overflow, underflow: 0 by definition, and never a NaN or an infinity."""

    KINDS = ("zero", "constant", "negative", "no gradient", "huge", "tiny")

    @pytest.mark.parametrize("name", ONE_PASS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_of_arrays(self, name, kind, given, ops):
        arrays = given.evidence(11)
        at = {"activations", "untrained_activations", "inputs"}
        slopes = {need for need in arrays if "gradient" in need or need == "hessian_activations"}
        arrays = {
            "zero": lambda: given.changed(arrays, np.zeros_like, at),
            "constant": lambda: given.changed(arrays, lambda each: np.full_like(each, 2.5), at),
            "negative": lambda: given.changed(arrays, lambda each: -np.abs(each), at),
            "no gradient": lambda: given.changed(arrays, np.zeros_like, slopes),
            "huge": lambda: given.changed(arrays, lambda each: each * np.float32(1e4), slopes),
            "tiny": lambda: given.changed(arrays, lambda each: each * np.float32(1e-25), slopes),
        }[kind]()
        assert np.isfinite(given.maps_of(name, arrays)).all()
        assert np.isfinite(given.maps_of(name, given.changed(arrays, ops.convert_to_tensor), ops)).all()

    @pytest.mark.filterwarnings("error::RuntimeWarning")
    @pytest.mark.parametrize("name", PROBING)
    @pytest.mark.parametrize("kind", [*KINDS, "high", "low"])
    def test_of_probes(self, name, kind, toy):
        scale = {"no gradient": 0.0, "huge": 1e4, "tiny": 1e-25}.get(kind, 1.0)
        network = toy.Toy(scale=scale, bias={"high": 1e4, "low": -1e4}.get(kind, 0.0))
        if kind == "zero":
            network.inputs, network.activations = np.zeros_like(network.inputs), np.zeros_like(network.activations)
        elif kind == "constant":
            network.inputs = np.full_like(network.inputs, 2.5)
            network.activations = np.full_like(network.activations, 2.5)
        elif kind == "negative":
            network.activations = -np.abs(network.activations)
        found, _ = toy.probed(name, network)
        assert np.isfinite(found).all()
        assert np.isfinite(found.astype(np.float32)).all()


class TestRegistering:
    def test_a_need_that_no_engine_gives_is_refused(self):
        with pytest.raises(ValueError, match=r"method new: needs \['hessian'\], which no engine gives"):
            method("new", needs=("activations", "hessian"), title="New", paper="", year=2020)
        assert "new" not in METHODS

    def test_a_name_is_taken_once(self):
        with pytest.raises(ValueError, match="method 'cam' is registered twice"):
            method("cam", needs=("activations",), title="CAM", paper="", year=2020)(lambda xp, activations: activations)
        assert METHODS["cam"].year == 2016

    def test_decorating_is_all_it_takes_and_leaves_the_function_as_it_is(self):
        def mean(xp, activations):
            return xp.mean(activations, axis=-1)

        try:
            same = method("for-this-test", needs=("activations",), title="Mean", paper="A 2020", year=2020)(mean)
            assert same is mean
            row = METHODS["for-this-test"]
            assert row == Method(mean, ("activations",), "Mean", "A 2020", 2020, "1 F")
            assert (row.at_layer, row.positive_only, row.baseline) == (True, False, False)
        finally:
            METHODS._entries.pop("for-this-test", None)


def test_listing_the_methods_imports_no_tensorflow():
    program = "import sys, dogcam.methods; print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "False"]
