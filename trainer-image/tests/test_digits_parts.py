"""The digits trainer's parts, without training: data, order, padding, loss."""

from __future__ import annotations

import itertools
from collections import Counter

import jax
import numpy as np
import pytest

from studious_trainer import _data, _model, digits

pytestmark = pytest.mark.jax


@pytest.fixture(scope="module")
def data() -> _data.Digits:
    return _data.Digits.load(5)


def keys(examples: _data.Examples) -> Counter[bytes]:
    return Counter(image.tobytes() for image in examples.images)


def test_the_split_is_whole_disjoint_and_fixed_by_its_seed(data: _data.Digits) -> None:
    assert (len(data.train), len(data.validation), len(data.test)) == (1100, 400, 297)
    every = keys(data.train) + keys(data.validation) + keys(data.test)
    assert sum(every.values()) == 1797
    assert max(every.values()) == 1, "an image is in two sets"
    assert data.train.images.min() == 0
    assert data.train.images.max() == 1
    again, other = _data.Digits.load(5), _data.Digits.load(6)
    np.testing.assert_array_equal(again.test.images, data.test.images)
    assert keys(other.test) != keys(data.test)


def test_hosts_have_equal_disjoint_shards(data: _data.Digits) -> None:
    shards = [_data.shard(data.train, index, 3) for index in range(3)]
    assert [len(part) for part in shards] == [366, 366, 366]
    assert max(sum((keys(part) for part in shards), Counter()).values()) == 1


def test_an_epoch_shows_each_example_once_and_the_next_in_another_order(data: _data.Digits) -> None:
    stream = _data.batches(data.validation, 100, data_seed=1, start=0)
    first, second = ([next(stream).images for _ in range(4)] for _ in range(2))
    assert Counter(i.tobytes() for i in np.concatenate(first)) == keys(data.validation)
    assert Counter(i.tobytes() for i in np.concatenate(second)) == keys(data.validation)
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))


@pytest.mark.parametrize("start", [0, 1, 7, 8, 9, 23])
def test_the_order_after_a_resume_is_that_of_an_unbroken_run(
    data: _data.Digits, start: int
) -> None:
    unbroken = itertools.islice(_data.batches(data.train, 128, 99, 0), start, start + 20)
    resumed = itertools.islice(_data.batches(data.train, 128, 99, start), 20)
    for one, other in zip(unbroken, resumed, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.labels, other.labels)


def test_data_seeds_change_the_order(data: _data.Digits) -> None:
    one, other = (next(_data.batches(data.train, 64, seed, 0)) for seed in (1, 2))
    assert not np.array_equal(one.labels, other.labels)


def test_initialisation_depends_on_the_seed_alone() -> None:
    one, same, other = (_model.initialise(seed, 16) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one["hidden_1"]["kernel"], same["hidden_1"]["kernel"])
    assert not np.array_equal(one["hidden_1"]["kernel"], other["hidden_1"]["kernel"])


@pytest.mark.parametrize("batch", [1, 7, 128, 400, 512])
def test_the_metric_does_not_depend_on_the_evaluation_batch(data: _data.Digits, batch: int) -> None:
    """R-124: partial last batches are padded with weight zero."""
    parameters = _model.initialise(0, 16)
    examples = data.validation if batch > 1 else data.validation.take(np.arange(5))
    error, loss = digits.evaluate(parameters, examples, batch)
    scores = np.asarray(_model.logits(parameters, jax.numpy.asarray(examples.images)), np.float64)
    top = scores.max(axis=1, keepdims=True)
    log_total = top[:, 0] + np.log(np.exp(scores - top).sum(axis=1))
    rows = np.arange(len(examples))
    assert error == (scores.argmax(axis=1) != examples.labels).mean()
    assert loss == pytest.approx((log_total - scores[rows, examples.labels]).mean(), rel=1e-6)


def test_a_diverged_model_has_no_error_rate(data: _data.Digits) -> None:
    parameters = _model.initialise(0, 16)
    parameters["output"]["bias"] += np.float32(np.nan)
    assert np.isnan(digits.evaluate(parameters, data.validation, 512)).all()


def test_label_smoothing_moves_the_target_towards_uniform() -> None:
    scores = jax.numpy.asarray([[2.0, 0.0, -1.0, *[0.0] * 7]])
    labels = jax.numpy.asarray([0])
    log_p = np.asarray(jax.nn.log_softmax(scores))[0]
    for smoothing in (0.0, 0.1):
        target = np.full(10, smoothing / 10)
        target[0] += 1 - smoothing
        expected = pytest.approx(-(target * log_p).sum(), rel=1e-6)
        assert float(_model.cross_entropy(scores, labels, smoothing)[0]) == expected


def test_dropout_keeps_the_mean_and_drops_at_its_rate() -> None:
    parameters = _model.initialise(3, 256)
    images = jax.numpy.ones((64, 64))
    key = jax.random.key(0)
    dropped = _model.logits(parameters, images, (key, 0.5))
    assert not np.array_equal(dropped[0], dropped[1])
    np.testing.assert_array_equal(
        _model.logits(parameters, images, (key, 0.0)), _model.logits(parameters, images)
    )
