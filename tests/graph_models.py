"""Small models that exercise each operator and shape that the SQL backend knows, as ONNX graphs."""

import copy
import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, DOUBLE = TensorProto.FLOAT, TensorProto.DOUBLE
WIDTH = 4


def graph_of(
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray] | None = None,
    type: int = FLOAT,
    scores: int = FLOAT,
    width: int = WIDTH,
    opset: int = 18,
    ml_opset: int = 3,
) -> bytes:
    """Return a graph from `features` (n, width) to `scores`."""
    tensors = [numpy_helper.from_array(np.asarray(v), n) for n, v in (constants or {}).items()]
    body = helper.make_graph(
        nodes,
        "hand",
        [helper.make_tensor_value_info("features", type, [None, width])],
        [helper.make_tensor_value_info("scores", scores, [None, None])],
        tensors,
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", ml_opset)]
    return helper.make_model(body, opset_imports=opsets, ir_version=10).SerializeToString()


def op(name: str, inputs: list[str], outputs: list[str], **attributes) -> onnx.NodeProto:
    """Return a node; the operators of ONNX-ML are those that ONNX itself does not have."""
    domain = "" if onnx.defs.has(name) else "ai.onnx.ml"
    return helper.make_node(name, inputs, outputs, domain=domain, **attributes)


def single(name: str, opset: int = 18, second: str | None = None, **attributes) -> bytes:
    """Return a layer, an operator, and a layer: values of both signs, some of them large."""
    rng = np.random.default_rng(5)
    constants = {
        "w": rng.normal(size=(WIDTH, 5)).astype(np.float32),
        "b": rng.normal(size=5).astype(np.float32),
        "v": rng.normal(size=(5, 2)).astype(np.float32),
        "two": np.float32(2.0),
        "slope": np.array([0.1, 0.2, 0.3, 0.4, -0.5], dtype=np.float32),
        "row": np.array([[0.5, -1.0, 2.0, 0.25, 1.5]], dtype=np.float32),
    }
    inputs = ["sums", *([second] if second else [])]
    nodes = [
        op("Gemm", ["features", "w", "b"], ["sums"]),
        op(name, inputs, ["hidden"], **attributes),
        op("MatMul", ["hidden", "v"], ["scores"]),
    ]
    used = {name for node in nodes for name in node.input}
    return graph_of(nodes, {n: v for n, v in constants.items() if n in used}, opset=opset)


SINGLE: dict[str, Callable[[], bytes]] = {
    name: lambda name=name, arguments=arguments: single(name, **arguments)
    for name, arguments in {
        "Relu": {},
        "Sigmoid": {},
        "Tanh": {},
        "LeakyRelu": {"alpha": 0.2},
        "Elu": {"alpha": 0.7},
        "Selu": {},
        "Celu": {"alpha": 2.0},
        "Softplus": {},
        "Softsign": {},
        "HardSigmoid": {},
        "HardSwish": {},
        "Mish": {},
        "Gelu": {"opset": 20},
        "Erf": {},
        "Abs": {},
        "Neg": {},
        "Exp": {},
        "Sign": {},
        "Floor": {},
        "Ceil": {},
        "Softmax": {},
        "LogSoftmax": {},
        "PRelu": {"second": "slope"},
        "Max": {"second": "row"},
        "Min": {"second": "row"},
        "Mul": {"second": "row"},
        "Div": {"second": "row"},
        "Pow": {"second": "two"},
        "Normalizer": {"norm": "L2"},
        "Clip": {"second": "two"},
        "Identity": {},
    }.items()
}


def gelu_by_tanh() -> bytes:
    """Return a net with the approximation of Gelu."""
    return single("Gelu", opset=20, approximate="tanh")


def logs() -> bytes:
    """Return log and square root of 1 + |x|, and their ratio."""
    one = {"one": np.float32(1)}
    nodes = [
        op("Abs", ["features"], ["size"]),
        op("Add", ["size", "one"], ["more"]),
        op("Log", ["more"], ["log"]),
        op("Sqrt", ["more"], ["root"]),
        op("Reciprocal", ["more"], ["inverse"]),
        op("Div", ["log", "root"], ["ratio"]),
        op("Concat", ["log", "root", "inverse", "ratio"], ["scores"], axis=1),
    ]
    return graph_of(nodes, one)


def relu_last() -> bytes:
    """Return a layer with ReLU after it."""
    weights = np.random.default_rng(1).normal(size=(WIDTH, 3)).astype(np.float32)
    nodes = [op("MatMul", ["features", "w"], ["sums"]), op("Relu", ["sums"], ["scores"])]
    return graph_of(nodes, {"w": weights})


def exp_last() -> bytes:
    """Return exp(x w), as a Poisson regression has it."""
    weights = np.array([[0.1], [-0.2], [0.05], [0.0]], dtype=np.float32)
    nodes = [op("MatMul", ["features", "w"], ["sums"]), op("Exp", ["sums"], ["scores"])]
    return graph_of(nodes, {"w": weights})


def residual() -> bytes:
    """Return relu(x w) + x, then a layer beside a layer of x: wide, deep and residual."""
    rng = np.random.default_rng(2)
    constants = {
        "w": rng.normal(size=(WIDTH, WIDTH)).astype(np.float32),
        "v": rng.normal(size=(WIDTH, 2)).astype(np.float32),
        "u": rng.normal(size=(WIDTH, 2)).astype(np.float32),
    }
    nodes = [
        op("MatMul", ["features", "w"], ["sums"]),
        op("Relu", ["sums"], ["hidden"]),
        op("Add", ["hidden", "features"], ["both"]),
        op("MatMul", ["both", "v"], ["deep"]),
        op("MatMul", ["features", "u"], ["wide"]),
        op("Sum", ["deep", "wide"], ["logits"]),
        op("Softmax", ["logits"], ["scores"]),
    ]
    return graph_of(nodes, constants)


def selections() -> bytes:
    """Return columns in every way that graphs choose them."""
    constants = {
        "places": np.array([2, 0]),
        "starts": np.array([-1]),
        "ends": np.array([-5]),
        "axes": np.array([1]),
        "back": np.array([-1]),
        "parts": np.array([1, 3]),
        "flat": np.array([0, -1]),
        "cube": np.array([-1, 2, 2]),
    }
    nodes = [
        op("Gather", ["features", "places"], ["gathered"], axis=1),
        op("ArrayFeatureExtractor", ["features", "places"], ["extracted"]),
        op("Slice", ["features", "starts", "ends", "axes", "back"], ["reversed"]),
        op("Split", ["features", "parts"], ["first", "rest"], axis=1),
        op("Reshape", ["features", "cube"], ["cubes"]),
        op("Transpose", ["cubes"], ["turned"], perm=[0, 2, 1]),
        op("Flatten", ["turned"], ["square"]),
        op("Unsqueeze", ["rest", "axes"], ["deep"]),
        op("Squeeze", ["deep", "axes"], ["again"]),
        op("FeatureVectorizer", ["gathered", "extracted"], ["vector"], inputdimensions=[2, 2]),
        op(
            "Concat",
            ["vector", "reversed", "square", "again", "first"],
            ["scores"],
            axis=1,
        ),
    ]
    return graph_of(nodes, constants)


def comparisons() -> bytes:
    """Return every comparison of a feature with another one and with a constant, as numbers."""
    names = ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal")
    nodes = [op("Gather", ["features", "swapped"], ["others"], axis=1)]
    for name in names:
        nodes += [
            op(name, ["features", "others"], [f"{name}1"]),
            op(name, ["features", "limit"], [f"{name}2"]),
        ]
    flags = [f"{name}{i}" for name in names for i in (1, 2)]
    nodes += [
        op("And", ["Greater1", "Less2"], ["and"]),
        op("Or", ["Greater1", "Less2"], ["or"]),
        op("Xor", ["Greater1", "Less2"], ["xor"]),
        op("Not", ["Equal2"], ["not"]),
        op("Concat", [*flags, "and", "or", "xor", "not"], ["flags"], axis=1),
        op("Cast", ["flags"], ["numbers"], to=FLOAT),
        op("Where", ["Greater1", "features", "limit"], ["larger"]),
        op("ArgMax", ["features"], ["best"], axis=1),
        op("ArgMin", ["features"], ["worst"], axis=1, keepdims=0),
        op("Cast", ["best"], ["place"], to=FLOAT),
        op("Cast", ["worst"], ["last"], to=FLOAT),
        op("Unsqueeze", ["last", "one"], ["column"]),
        op("Binarizer", ["features"], ["above"], threshold=0.25),
        op(
            "Concat",
            ["numbers", "larger", "place", "column", "above"],
            ["scores"],
            axis=1,
        ),
    ]
    constants = {
        "swapped": np.array([1, 0, 3, 2]),
        "limit": np.array([[0.5, 0.1, -1, 0]], dtype=np.float32),
        "one": np.array([1]),
    }
    return graph_of(nodes, constants)


def reductions() -> bytes:
    """Return every function of a whole row."""
    names = ["ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare"]
    names.append("ReduceProd")
    nodes = [op("ReduceSum", ["features", "axes"], ["ReduceSum"])]
    nodes += [op(name, ["features", "axes"], [name]) for name in names]
    norms = ("L1", "L2", "MAX")
    nodes += [op("Normalizer", ["features"], [norm], norm=norm) for norm in norms]
    nodes.append(op("Concat", ["ReduceSum", *names, *norms], ["scores"], axis=1))
    return graph_of(nodes, {"axes": np.array([1])})


def encoders() -> bytes:
    """Return encodings of whole numbers."""
    nodes = [
        op("Cast", ["features"], ["whole"], to=TensorProto.INT64),
        op("OneHotEncoder", ["whole"], ["hot"], cats_int64s=[0, 1, -2], zeros=1),
        op("Flatten", ["hot"], ["flat"]),
        op(
            "LabelEncoder",
            ["whole"],
            ["labels"],
            keys_int64s=[0, 1, 5],
            values_floats=[2.5, 3.5, -1.0],
            default_float=-9.0,
        ),
        op("Cast", ["whole"], ["numbers"], to=FLOAT),
        op("Concat", ["flat", "labels", "numbers"], ["scores"], axis=1),
    ]
    return graph_of(nodes)


def constants_of_shape() -> bytes:
    """Return the features beside a constant for each row, made of the shape of the input."""
    nodes = [
        op("Shape", ["features"], ["shape"]),
        op("Gather", ["shape", "zero"], ["rows"], axis=0),
        op("Concat", ["rows", "two"], ["wanted"], axis=0),
        op(
            "ConstantOfShape",
            ["wanted"],
            ["sevens"],
            value=helper.make_tensor("v", FLOAT, [1], [7.0]),
        ),
        op("Expand", ["half", "wanted"], ["halves"]),
        op("Concat", ["features", "sevens", "halves"], ["all"], axis=1),
        op("Reshape", ["all", "target"], ["scores"]),
    ]
    constants = {
        "zero": np.array([0]),
        "two": np.array([2]),
        "half": np.array([[0.5]], dtype=np.float32),
        "target": np.array([0, 8]),
    }
    return graph_of(nodes, constants)


def log_sum(type: int) -> bytes:
    """Return the log of the sum of the powers of a row."""
    node = op("ReduceLogSumExp", ["features", "axes"], ["scores"])
    return graph_of([node], {"axes": np.array([1])}, type=type, scores=type)


HAND: dict[str, Callable[[], bytes]] = {
    **{
        found.__name__: found
        for found in (
            *(gelu_by_tanh, logs, relu_last, exp_last, residual, selections, comparisons),
            *(reductions, encoders, constants_of_shape),
        )
    },
    "log_sum": lambda: log_sum(DOUBLE),
    "identity": lambda: graph_of([op("Identity", ["features"], ["scores"])]),
}


def tree(modes: list[str], tracks: list[int] | None = None, type: int = FLOAT, **more) -> bytes:
    """Return unbalanced trees of three comparisons each, with thresholds that are no decimals."""
    rng = np.random.default_rng(3)
    thresholds = rng.normal(size=(len(modes), 3)).astype(np.float32 if type == FLOAT else float)
    nodes: dict[str, list] = {name: [] for name in ("tree", "id", "feature", "mode", "yes", "no")}
    values: list[float] = []
    leaves: list[tuple[int, int]] = []
    for number, mode in enumerate(modes):
        children = {0: (3, 1), 1: (2, 4), 2: (5, 6)}
        for node in range(7):
            yes, no = children.get(node, (0, 0))
            nodes["tree"].append(number)
            nodes["id"].append(node)
            nodes["feature"].append((number + node) % WIDTH if node < 3 else 0)
            nodes["mode"].append(mode if node < 3 else "LEAF")
            nodes["yes"].append(yes)
            nodes["no"].append(no)
            values.append(float(thresholds[number, node]) if node < 3 else 0.0)
            leaves += [(number, node)] if node > 2 else []
    given = {"nodes_values": values}
    weights = {"target_weights": rng.normal(size=len(leaves)).tolist()}
    if type == DOUBLE:
        given = {"nodes_values_as_tensor": helper.make_tensor("v", DOUBLE, [len(values)], values)}
        (w,) = weights.values()
        weights = {"target_weights_as_tensor": helper.make_tensor("w", DOUBLE, [len(w)], w)}
    tracking = {} if tracks is None else {"nodes_missing_value_tracks_true": tracks * len(modes)}
    node = op(
        "TreeEnsembleRegressor",
        ["features"],
        ["scores"],
        n_targets=1,
        nodes_treeids=nodes["tree"],
        nodes_nodeids=nodes["id"],
        nodes_featureids=nodes["feature"],
        nodes_modes=nodes["mode"],
        nodes_truenodeids=nodes["yes"],
        nodes_falsenodeids=nodes["no"],
        target_treeids=[tree for tree, _ in leaves],
        target_nodeids=[node for _, node in leaves],
        target_ids=[0] * len(leaves),
        **given,
        **weights,
        **tracking,
        **more,
    )
    return graph_of([node], type=type)


MODES = ("BRANCH_LT", "BRANCH_LEQ", "BRANCH_GT", "BRANCH_GTE", "BRANCH_EQ", "BRANCH_NEQ")
TREES: dict[str, Callable[[], bytes]] = {
    **{mode: lambda mode=mode: tree([mode] * 3) for mode in MODES},
    "mixed": lambda: tree(list(MODES)),
    "double": lambda: tree(["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT"], type=DOUBLE),
    "average": lambda: tree(["BRANCH_LEQ"] * 3, aggregate_function="AVERAGE", base_values=[0.5]),
}
# Trees that answer for missing inputs: both sides for NaN.
MISSING_TREES: dict[str, Callable[[], bytes]] = {
    f"{mode} {kind}": lambda mode=mode, type=type: tree([mode] * 4, [1, 0, 1, 0, 0, 0, 0], type)
    for mode in MODES
    if mode != "BRANCH_EQ"
    for kind, type in (("float", FLOAT), ("double", DOUBLE))
}


@cache
def rows(width: int = WIDTH) -> np.ndarray:
    """Return rows that no model was built on."""
    rng = np.random.default_rng(9)
    scales = np.array([0.3, 1, 3, 20])[np.arange(400) % 4, None]
    found = scales * rng.normal(size=(400, width))
    found[:40] = np.round(found[:40])
    return found


def thresholds_of(content: bytes) -> np.ndarray:
    """Return the numbers that the trees of a graph compare with."""
    found: list[float] = []
    for node in onnx.load_from_string(content).graph.node:
        for attribute in node.attribute:
            if attribute.name == "nodes_values":
                found += attribute.floats
            if attribute.name in ("nodes_values_as_tensor", "nodes_splits"):
                found += numpy_helper.to_array(attribute.t).tolist()
    return np.unique(found)


def rows_at(points: np.ndarray, width: int) -> np.ndarray:
    """Return rows of these numbers, of those beside them in float32 and in float64, and between."""
    single = points.astype(np.float32)
    near = [
        points,
        single.astype(float),
        *(np.nextafter(single, np.float32(side)).astype(float) for side in (-np.inf, np.inf)),
        *(np.nextafter(points, side) for side in (-np.inf, np.inf)),
    ]
    near += [(near[2] + near[1]) / 2, (near[3] + near[1]) / 2]
    numbers = np.concatenate(near)
    numbers = np.resize(numbers, -(-len(numbers) // width) * width)
    rng = np.random.default_rng(4)
    return np.concatenate([rng.permutation(numbers).reshape(-1, width) for _ in range(8)])


def fitted() -> dict[str, object]:
    """Return scikit-learn models whose exports are of many shapes."""
    from sklearn import (
        decomposition,
        ensemble,
        feature_selection,
        linear_model,
        multiclass,
        naive_bayes,
        neural_network,
        pipeline,
        preprocessing,
        tree,
    )
    from sklearn.compose import ColumnTransformer

    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, WIDTH))
    y = x[:, 0] + x[:, 1] * x[:, 2] + 0.3 * rng.normal(size=300)
    two, three = (y > 0).astype(int), np.digitize(y, [-0.7, 0.7])
    few = {"n_estimators": 8, "random_state": 0, "max_depth": 3}
    boosted, forest = ensemble.GradientBoostingRegressor, ensemble.RandomForestRegressor
    chain = pipeline.make_pipeline
    columns = ColumnTransformer(
        [("a", preprocessing.StandardScaler(), [2, 0]), ("b", "passthrough", [1])]
    )
    regressors = {
        "scaled trees": chain(preprocessing.StandardScaler(), boosted(**few)),
        "min-max trees": chain(preprocessing.MinMaxScaler(), forest(**few)),
        "robust trees": chain(preprocessing.RobustScaler(), forest(**few)),
        "columns trees": chain(columns, boosted(**few)),
        "columns linear": chain(columns, linear_model.LinearRegression()),
        "selected linear": chain(
            feature_selection.SelectKBest(feature_selection.f_regression, k=2),
            linear_model.Ridge(),
        ),
        "selected trees": chain(
            feature_selection.SelectKBest(feature_selection.f_regression, k=2), boosted(**few)
        ),
        "polynomial": chain(preprocessing.PolynomialFeatures(2), linear_model.Ridge()),
        "pca": chain(decomposition.PCA(2), linear_model.Ridge()),
        "voting": ensemble.VotingRegressor(
            [("a", linear_model.LinearRegression()), ("b", boosted(**few)), ("c", forest(**few))],
            weights=np.array([1, 2, 3]),
        ),
        "bagging": ensemble.BaggingRegressor(tree.DecisionTreeRegressor(max_depth=3), 5),
        "bagging linear": ensemble.BaggingRegressor(linear_model.Ridge(), 5, max_features=2),
        "stacking": ensemble.StackingRegressor(
            [("a", boosted(**few)), ("b", linear_model.Ridge())], linear_model.Ridge(), cv=2
        ),
        "extra trees": ensemble.ExtraTreesRegressor(**few),
        "tanh": neural_network.MLPRegressor(activation="tanh", max_iter=30, random_state=0),
        "logistic net": neural_network.MLPRegressor(activation="logistic", max_iter=30),
        "bins": chain(
            preprocessing.KBinsDiscretizer(4, encode="onehot-dense"), linear_model.Ridge()
        ),
        "binarized": chain(preprocessing.Binarizer(threshold=0.3), linear_model.Ridge()),
        "normalized": chain(preprocessing.Normalizer(), linear_model.Ridge()),
    }
    positive = {
        "poisson": linear_model.PoissonRegressor(),
        "gamma": linear_model.GammaRegressor(),
        "tweedie": linear_model.TweedieRegressor(power=1.5),
    }
    both = {
        "logistic": linear_model.LogisticRegression(),
        "voting classifier": ensemble.VotingClassifier(
            [
                ("a", linear_model.LogisticRegression()),
                ("b", ensemble.GradientBoostingClassifier(**few)),
            ],
            voting="soft",
            flatten_transform=False,
        ),
        "stacking classifier": ensemble.StackingClassifier(
            [
                ("a", ensemble.RandomForestClassifier(**few)),
                ("b", linear_model.LogisticRegression()),
            ],
            cv=2,
        ),
        "bagging classifier": ensemble.BaggingClassifier(
            tree.DecisionTreeClassifier(max_depth=3), 5, random_state=0
        ),
        "mlp classifier": neural_network.MLPClassifier(max_iter=30, random_state=0),
        "one against rest": multiclass.OneVsRestClassifier(linear_model.LogisticRegression()),
        "boosted classifier": ensemble.GradientBoostingClassifier(**few),
        "forest classifier": ensemble.RandomForestClassifier(**few),
        "scaled forest classifier": chain(
            preprocessing.StandardScaler(), ensemble.RandomForestClassifier(**few)
        ),
        "tree classifier": tree.DecisionTreeClassifier(max_depth=4),
        "naive bayes": naive_bayes.GaussianNB(),
        "adaboost": ensemble.AdaBoostClassifier(n_estimators=5, random_state=0),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {name: model.fit(x, y) for name, model in regressors.items()}
        found |= {name: model.fit(x, np.exp(y)) for name, model in positive.items()}
        found |= {f"{n} of two": copy.deepcopy(m).fit(x, two) for n, m in both.items()}
        found |= {f"{n} of three": copy.deepcopy(m).fit(x, three) for n, m in both.items()}
    return found
