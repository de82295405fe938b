"""Arrays that belong together: by name, by split, by class, by sample; and those that are no embeddings."""

import collections

import numpy as np
import pytest
import safetensors.torch
import scipy.sparse
import torch
from file_bytes import (
    FIRST,
    IDS,
    LABELS,
    SPLIT,
    TENSOR,
    D,
    N,
    X,
    Y,
    assert_read,
    load,
    npy,
    npz,
    pt,
    written,
)

from kdeviz.data.readers.name_order import in_name_order, series
from kdeviz.data.readers.pickled_texts import texts_in
from kdeviz.errors import DataError

TRAIN, TEST = slice(0, FIRST), slice(FIRST, N)
MODEL = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.BatchNorm1d(4))


def refused(raw, name, match):
    with pytest.raises(DataError, match=match) as caught:
        load(raw, name)
    message = str(caught.value)
    assert message.startswith(f"{name}: ") and "\n" not in message
    return message


def noted(data, text):
    assert any(text in note for note in data.notes), data.notes


# npz: parts and splits


@pytest.mark.parametrize(
    "labels", [Y, Y[:, None], Y[None], Y.astype(float), Y == 1, np.array([str(v) for v in Y])]
)
def test_labels_of_any_shape_and_type(labels):
    assert_read(load(npz(X=X, y=labels), "a.npz"), labels=Y)


@pytest.mark.parametrize(
    "names",
    [
        "x_train x_test y_train y_test",
        "X_train X_test Y_train Y_test",
        "train_x test_x train_y test_y",
        "trainX testX trainY testY",
        "xtrain xtest ytrain ytest",
        "X_tr X_te y_tr y_te",
        "features_train features_val labels_train labels_val",
        "train/X test/X train/y test/y",
        "embeddings/train embeddings/test labels/train labels/test",
    ],
)
def test_parts_of_a_split_are_one_set(names):
    keys = names.split()
    values = X[TRAIN], X[TEST], Y[TRAIN], Y[TEST]
    data = assert_read(load(npz(**dict(zip(keys, values, strict=True))), "a.npz"), X, labels=Y, split=SPLIT)
    noted(data, f"{keys[0]} and {keys[1]} were read as one set")


def test_splits_with_ids_without_labels_with_three_parts_and_with_other_arrays():
    ids = {"ids_train": np.array(IDS[TRAIN]), "ids_test": np.array(IDS[TEST])}
    data = load(npz(x_train=X[TRAIN], x_test=X[TEST], **ids, y_test=Y[TEST]), "a.npz")
    assert_read(data, X, IDS, [-1] * FIRST + Y[TEST].tolist(), SPLIT)
    parts = {"x_train": X[:20], "x_val": X[20:28], "x_test": X[28:], "names": np.array(["a", "b"])}
    data = load(npz(**parts, y_train=Y[:20], y_test=Y[20:28]), "a.npz")
    assert_read(data, X, split=["train"] * 20 + ["test"] * 20)
    noted(data, "y_train, y_test are left out: they do not have the rows of x")
    noted(data, "names of shape (2,) is left out")
    assert_read(load(npz(train=X[TRAIN], test=X[TEST]), "a.npz"), X, split=SPLIT)
    assert_read(load(npz(x_train=X, y_train=Y), "a.npz"), X, labels=Y)
    refused(
        npz(x_train=X[TRAIN], x_test=X[TEST, :5]),
        "a.npz",
        r"x has other dimensions .*\(28, 8\), test \(12, 5\)",
    )


def test_masks_and_columns_named_after_a_split_change_nothing():
    data = load(npz(x=X, train_mask=np.arange(N) < FIRST, test_score=Y), "a.npz")
    assert_read(data, X)
    assert data.metadata.columns.tolist() == ["train_mask", "test_score"]


def test_one_array_per_class():
    assert_read(load(npz(good=X[:36], bad=X[36:]), "a.npz"), X, labels=Y)
    nested = {"train": {"good": TENSOR[TRAIN]}, "test": {"good": TENSOR[28:36], "bad": TENSOR[36:]}}
    assert_read(load(pt(nested), "a.pt"), X, labels=Y, split=SPLIT)
    other = load(npz(clip=X, dino=X[:, :4]), "a.npz")
    assert_read(other, X)
    assert other.labels is None and other.embedding_choices == ("clip", "dino")


# One vector per sample, or per dimension


def test_one_vector_per_id():
    vectors = dict(zip(IDS, X, strict=True))
    for raw in (npz(**vectors), npz(**{key: value[None] for key, value in vectors.items()})):
        data = assert_read(load(raw, "a.npz"), X, IDS)
        noted(data, "40 arrays of 8 numbers were read as one row each")
    assert_read(load(npz(**vectors, labels=Y, kind=np.arange(3)), "a.npz"), X, IDS, Y)
    tensors = dict(zip(IDS, TENSOR, strict=True))
    assert_read(load(pt(tensors), "a.pt"), X, IDS)
    assert_read(load(pt(collections.OrderedDict(tensors)), "a.pt"), X, IDS)
    assert_read(load(pt(dict(enumerate(TENSOR))), "a.pt"), X, [str(i) for i in range(N)])
    assert_read(load(safetensors.torch.save(tensors), "a.safetensors"), X, IDS)
    numbered = {str(i): row.clone() for i, row in enumerate(TENSOR)}
    assert_read(load(safetensors.torch.save(numbered), "a.safetensors"), X, list(numbered))


def test_one_vector_per_dimension():
    columns = {f"f{i}": X[:, i] for i in range(D)}
    assert_read(load(npz(**columns), "a.npz"), X)
    assert_read(load(npz(**columns, id=np.array(IDS), label=Y), "a.npz"), X, IDS, Y)
    named = dict(
        zip(("age", "height", "weight", "color", "size", "width", "depth", "mass"), X.T, strict=True)
    )
    data = assert_read(load(npz(**named, label=Y, classes=np.arange(2)), "a.npz"), X, labels=Y)
    noted(data, "classes of shape (2,) is left out")


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        (
            {"height": X[:, 0], "age": X[:, 1]},
            r"2 arrays of 40 numbers \(height ...\), each a row or each a column",
        ),
        (
            {key: X[i][: 8 - (i == 5)] for i, key in enumerate(IDS)},
            "39 arrays have 8 numbers and img005 has 7",
        ),
        ({key: np.ones((5 + i, 8)) for i, key in enumerate(IDS)}, r"40 matrices, img000 of shape \(5, 8\)"),
        ({key: np.ones((5, 8)) for key in [*IDS, *(f"b{i}" for i in range(40))]}, "80 matrices"),
        ({"a": X[:, 0], "b": X[0]}, r"need \(rows, dimensions\)"),
        ({"a": X[0]}, r"a has shape \(8,\)"),
    ],
)
def test_what_could_be_anything_is_refused(arrays, match):
    refused(npz(**arrays), "a.npz", match)


def test_layers_are_choices_and_the_last_or_widest_is_the_guess():
    layers = {f"layer{i}": TENSOR * (i == 11) for i in range(12)}
    data = assert_read(load(pt(layers), "a.pt"), X)
    assert data.embedding_choices[:2] == ("layer11", "layer10")
    noted(data, "guessed to be layer11")
    assert_read(load(pt({"layer1": torch.ones(N, 4), "layer2": TENSOR}), "a.pt"), X)
    maps = {"layer1": torch.ones(N, 4, 2, 2), "avgpool": TENSOR[:, :, None, None]}
    noted(assert_read(load(pt(maps), "a.pt"), X), "avgpool of shape (40, 8, 1, 1) was read as (40, 8)")


# Lists, tuples, records


@pytest.mark.parametrize(
    "value",
    [
        list(TENSOR),
        tuple(TENSOR),
        [row[None] for row in TENSOR],
        [TENSOR[:16], TENSOR[16:32], TENSOR[32:]],
        [TENSOR],
        torch.nn.Parameter(TENSOR),
        {"features": TENSOR.tolist()},
        {"data": {"features": TENSOR}, "epoch": 3, "note": None},
    ],
)
def test_lists_of_tensors(value):
    assert_read(load(pt(value), "a.pt"), X)


@pytest.mark.parametrize(
    "value",
    [
        (TENSOR, LABELS),
        [TENSOR, LABELS[:, None]],
        (TENSOR, LABELS.float()),
        (TENSOR, LABELS, IDS),
        {"tensors": (TENSOR, LABELS)},
        [(row, int(label)) for row, label in zip(TENSOR, LABELS, strict=True)],
        [{"embedding": row, "label": int(label)} for row, label in zip(TENSOR, LABELS, strict=True)],
        {key: {"embedding": row, "label": int(y)} for key, row, y in zip(IDS, TENSOR, LABELS, strict=True)},
        {"data": {"features": TENSOR, "labels": LABELS.tolist()}},
    ],
)
def test_features_and_labels_in_any_list(value):
    assert_read(load(pt(value), "a.pt"), X, labels=Y)


def test_ids_in_tuples_and_records():
    assert_read(load(pt((TENSOR, LABELS, IDS)), "a.pt"), X, IDS, Y)
    assert_read(load(pt(list(zip(IDS, TENSOR, strict=True))), "a.pt"), X, IDS)
    records = [{"id": key, "embedding": row} for key, row in zip(IDS, TENSOR, strict=True)]
    assert_read(load(pt(records), "a.pt"), X, IDS)
    by_id = {
        key: {"embedding": row, "label": int(y)} for key, row, y in zip(IDS, TENSOR, LABELS, strict=True)
    }
    assert_read(load(pt(by_id), "a.pt"), X, IDS, Y)
    assert_read(
        load(npz(**dict(zip(("arr_0", "arr_1", "arr_2"), (X, np.array(IDS), Y), strict=True))), "a.npz"),
        X,
        IDS,
        Y,
    )


@pytest.mark.parametrize("tupled", [False, True])
def test_nested_splits(tupled):
    def part(rows):
        return (
            (TENSOR[rows], LABELS[rows]) if tupled else {"features": TENSOR[rows], "labels": Y[rows].tolist()}
        )

    assert_read(load(pt({"train": part(TRAIN), "test": part(TEST)}), "a.pt"), X, labels=Y, split=SPLIT)


def test_splits_in_safetensors_names():
    parts = {
        "train.features": TENSOR[TRAIN].clone(),
        "test.features": TENSOR[TEST].clone(),
        "train.labels": LABELS[TRAIN].clone(),
        "test.labels": LABELS[TEST].clone(),
    }
    assert_read(load(safetensors.torch.save(parts), "a.safetensors"), X, labels=Y, split=SPLIT)


def test_small_floats_are_widened_with_a_note():
    for kind, atol in ((torch.bfloat16, 2e-2), (torch.float8_e4m3fn, 0.2), (torch.float8_e5m2, 0.3)):
        for raw, name in (
            (pt({"x": TENSOR.to(kind)}), "a.pt"),
            (safetensors.torch.save({"x": TENSOR.to(kind)}), "a.safetensors"),
        ):
            data = assert_read(load(raw, name), X, atol=atol)
            assert data.features.dtype == np.float32
            noted(data, f"x was {kind}")


def test_lists_with_missing_and_mixed_values():
    value = {
        "features": TENSOR,
        "city": [None, *["Oslo"] * (N - 1)],
        "mixed": [1, "a"] * (N // 2),
        "n": [None, *range(N - 1)],
    }
    data = load(pt(value), "a.pt")
    assert data.metadata.columns.tolist() == ["city", "n"]
    assert data.metadata["city"].isna().tolist() == [True] + [False] * (N - 1)
    noted(data, "mixed is left out: texts and numbers are mixed in it")


def test_lists_that_share_lists_are_refused_before_they_are_walked():
    shared = [TENSOR[:1]]
    for _ in range(40):
        shared = [shared, shared]
    refused(pt(shared), "a.pt", "more values than the file holds")


# Objects, structured, sparse


def test_object_arrays_are_texts_or_left_out():
    for ids in (np.array(IDS, object), np.array(IDS, "S"), np.array(IDS, object)[:, None]):
        assert_read(load(npz(features=X, id=ids, y=Y), "a.npz"), X, IDS, Y)
    mixed = np.array([1, None, 2.5, "a"] * (N // 4), object)
    data = load(npz(features=X, meta=np.array({"a": 1}, object), mixed=mixed), "a.npz")
    noted(assert_read(data, X), "meta is left out: it holds Python objects")
    assert data.metadata["mixed"].tolist()[0::4] == ["1"] * (N // 4)
    refused(npz(a=np.array({"a": 1}, object)), "a.npz", "a holds Python objects")
    refused(npy(np.array({"a": X}, object)), "a.npy", r"a single one, perhaps a dict .*np\.savez")


def test_one_long_text_in_every_row_of_an_object_array_is_counted():
    texts = np.array(["x" * 10_000] * 2_000, object)
    with pytest.raises(DataError, match="would take 20,000,000"):
        load(npz(features=np.ones((2_000, 2)), city=texts), "a.npz", max_bytes=2**20)


def test_only_a_pickle_of_texts_is_read_for_texts():
    assert texts_in(b"", ()) is None
    assert texts_in(b"\x80\x04]\x94.", (0,)) is None
    assert texts_in(b"cos\nsystem\n(S'echo'\ntR.", (1,)) is None


def test_structured_arrays_are_tables():
    records = np.zeros(N, [("id", "U8"), ("emb", "f4", (D,)), ("label", ">i4")])
    records["id"], records["emb"], records["label"] = IDS, X, Y
    for raw, name in (
        (npy(records), "a.npy"),
        (npz(data=records), "a.npz"),
        (npz(data=records, other=Y), "a.npz"),
    ):
        assert_read(load(raw, name), X, IDS, Y)
    columns = np.zeros(N, [("id", "S8"), *((f"f{i}", ">f8") for i in range(D))])
    columns["id"] = IDS
    for i in range(D):
        columns[f"f{i}"] = X[:, i]
    assert_read(load(npy(columns), "a.npy"), X, IDS)
    refused(npy(records.reshape(20, 2)), "a.npy", r"a structured array of shape \(20, 2\)")


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia"])
@pytest.mark.parametrize("array", [False, True])
def test_sparse_matrices_are_filled_up(form, array):
    kept = X * (X > 0)
    made = getattr(scipy.sparse, f"{form}_{'array' if array else 'matrix'}")(kept)
    data = load(written(lambda stream: scipy.sparse.save_npz(stream, made)), "a.npz")
    noted(assert_read(data, kept), f"A sparse matrix ({form}, float32)")


def test_sparse_matrices_that_do_not_fit_or_lie():
    def saved(matrix):
        return written(lambda stream: scipy.sparse.save_npz(stream, matrix))

    lil = npz(format=np.array(b"lil"), shape=np.array([2, 2]), data=np.ones(2))
    refused(lil, "a.npz", r"layout 'lil', need one of csr, csc, coo, bsr, dia; save matrix\.tocsr")
    huge = scipy.sparse.csr_matrix(([1.0], ([0], [0])), shape=(10**6, 10**5))
    refused(saved(huge), "a.npz", r"a sparse matrix of shape \(1000000, 100000\), filled up, would take 800,")
    parts = {"format": np.array(b"csr"), "shape": np.array([2, 2]), "data": np.ones(2)}
    refused(
        npz(**parts, indices=np.array([0, 9_999_999]), indptr=np.array([0, 1, 2])), "a.npz", "not a readable"
    )


# numpy's own corners


@pytest.mark.parametrize(
    "array",
    [
        X[:, None],
        X[:, :, None, None],
        np.asfortranarray(X),
        X.astype(">f4"),
        X.astype(np.longdouble),
        np.asfortranarray(X.astype(">f8"))[:, None],
    ],
)
def test_arrays_in_other_layouts(array):
    data = assert_read(load(npy(array), "a.npy"), X)
    assert data.features.dtype.isnative and data.features.dtype.itemsize <= 8
    assert_read(load(npz(x=array), "a.npz"), X)


def test_yes_and_no_are_numbers():
    assert_read(load(npy(X > 0), "a.npy"), X > 0)


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (
            npy(X) * 3,
            r"more than one array in the file, 3 one after the other, of shapes \(40, 8\), .*np\.concatenate",
        ),
        (npy(X) + b"\0" * 9, r"bytes are left after an array of shape \(40, 8\)"),
        (X.tobytes(), r"beginning of a \.npy file is missing; a raw memmap .*np\.memmap"),
        (npz(x=X), r"zip archive: name it \.npz"),
        (npy(X.view("V2")), r"raw bytes \(\|V2\): .*bfloat16"),
        (npy(np.ones((1, 40, 8))), r"array\[0\] has 40 rows, array\.reshape\(1, -1\) one"),
        (b"\x80\x04K\x01.", "a pickle, which can run code"),
    ],
)
def test_what_is_no_single_array_is_refused(raw, match):
    refused(raw, "a.npy", match)


# What is not an embedding


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        (pt(MODEL.state_dict()), r"a model's weights .*0\.weight and 6 more"),
        (pt(torch.nn.Linear(2, 2).state_dict()), "a model's weights"),
        (
            pt(
                {
                    "model": MODEL.state_dict(),
                    "optimizer": {"state": {0: {"exp_avg": X[0].tolist()}}},
                    "epoch": 3,
                }
            ),
            "checkpoint",
        ),
        (pt(MODEL), r"it holds a model: run it"),
        (pt({"features": X}), r"nothing was loaded: it holds numpy arrays: .*torch\.from_numpy"),
        (pt(TENSOR.to_sparse()), r"sparse tensor: save tensor\.to_dense"),
        (pt({"x": TENSOR}, pickle_protocol=4), "pickle protocol 4 or 5"),
        (pt(TENSOR, _use_new_zipfile_serialization=False), "an old pickle"),
    ],
)
def test_weights_models_and_pickles_are_refused_in_words_that_fit(raw, match):
    refused(raw, "a.pt", match)


def test_weights_in_safetensors_are_refused_and_weights_of_rows_are_not():
    refused(safetensors.torch.save(MODEL.state_dict()), "a.safetensors", "a model's weights")
    data = load(npz(features=X, weight=Y), "a.npz")
    assert assert_read(data, X).metadata.columns.tolist() == ["weight"]


def test_names_are_ordered_by_their_numbers():
    names = ["a10", "a2", "a02", "b1", "a1b10", "a1b9", "a"]
    assert in_name_order(names) == ["a", "a1b9", "a1b10", "a02", "a2", "a10", "b1"]
    assert in_name_order(names[::-1]) == in_name_order(names)
    assert series(["e_0", "e_1", "f_0"]) == {"e_": ["e_0", "e_1"], "f_": ["f_0"]}
