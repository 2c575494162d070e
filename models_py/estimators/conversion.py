"""Conversion of a fitted estimator of numbers to ONNX, with float32 or float64 features.

https://onnx.ai/sklearn-onnx/

skl2onnx converts float32 features well. With float64 features, its trees declare float64 answers
where the operators give float32, and it does not know where missing values go. So trees get
converters of our own: forests and boosted trees are written by `trees`, and for the others
`_narrowed` rounds the features to float32, as scikit-learn does.
"""

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import skl2onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import update_registered_converter
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._registration import get_converter
from skl2onnx.common._topology import Operator, Scope, Variable
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
    VotingClassifier,
)
from sklearn.feature_selection import RFE
from sklearn.impute import SimpleImputer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
)
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from models_py.estimators import boosting, encoders, functions, svm
from models_py.estimators.answers import Answerer
from models_py.estimators.building import Builder
from models_py.estimators.columns import Pick, Table
from models_py.estimators.errors import UnsupportedError
from models_py.estimators.trees import Ensemble, attributes
from models_py.graph_edits import cut_dictionaries, remove_unused

Converter = Callable[[Scope, Operator, ModelComponentContainer], None]
# The operators that skl2onnx writes; ai.onnx.ml 3 is the first with float64 thresholds.
OPSETS = {"": 21, "ai.onnx.ml": 3}
# What skl2onnx converts only from float32; their trees round features to float32 themselves.
ROUNDED = (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    IsolationForest,
    RandomTreesEmbedding,
)
READERS = {
    DecisionTreeClassifier: boosting.of_forest,
    DecisionTreeRegressor: boosting.of_forest,
    ExtraTreeClassifier: boosting.of_forest,
    ExtraTreeRegressor: boosting.of_forest,
    ExtraTreesClassifier: boosting.of_forest,
    ExtraTreesRegressor: boosting.of_forest,
    RandomForestClassifier: boosting.of_forest,
    RandomForestRegressor: boosting.of_forest,
    HistGradientBoostingClassifier: boosting.of_hist_gradient_boosting,
    HistGradientBoostingRegressor: boosting.of_hist_gradient_boosting,
}
POST_TRANSFORMS = {"identity": "NONE", "sigmoid": "LOGISTIC", "softmax": "SOFTMAX"}


def to_onnx(estimator: BaseEstimator, width: int, is_double: bool, answerer: Answerer) -> bytes:
    """Return the ONNX graph of a fitted estimator as its converter writes it.

    Args:
        estimator: fitted on rows (n, width) of numbers.
        width: number of features.
        is_double: whether the graph takes float64 features, else float32.
        answerer: which of the graph's outputs are kept.

    Raises:
        Exception: there is no converter; the converters raise errors of many classes.
    """
    _register_boosting()
    floats = DoubleTensorType if is_double else FloatTensorType
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # converters warn of details of their own
        graph = skl2onnx.convert_sklearn(
            _prepared(estimator),
            initial_types=[("features", floats([None, width]))],
            target_opset=OPSETS,
            custom_conversion_functions=_converters(),
            custom_shape_calculators={
                FunctionTransformer: _unchanged_shape,
                KBinsDiscretizer: _bins_shape,
                OneHotEncoder: _one_hot_shape,
                OrdinalEncoder: _same_shape,
                SimpleImputer: _imputer_shape,
            },
        )
    cut_dictionaries(graph)
    _keep_outputs(graph.graph, answerer)
    remove_unused(graph.graph)
    return graph.SerializeToString(deterministic=True)


def _prepared(estimator: BaseEstimator) -> BaseEstimator:
    """Return an estimator that skl2onnx takes for what it is.

    RFE also predicts. A threshold decides about the label only, see `Answerer`. A target that was
    transformed by a function is transformed back by another one.
    """
    if isinstance(estimator, Pipeline):
        *steps, (name, last) = estimator.steps
        return Pipeline([*steps, (name, _prepared(last))])
    if isinstance(estimator, RFE):
        return Pipeline([("select", estimator), ("estimator", estimator.estimator_)])
    if isinstance(estimator, TransformedTargetRegressor):
        inverse = functions.inverse(estimator.transformer_)
        return Pipeline([("fit", _prepared(estimator.regressor_)), ("inverse", inverse)])
    if isinstance(estimator, FixedThresholdClassifier | TunedThresholdClassifierCV):
        return _prepared(estimator.estimator_)
    return estimator


def _keep_outputs(graph: onnx.GraphProto, answerer: Answerer) -> None:
    """Keep the outputs of an answer: converters give the label first, then the scores."""
    outputs = [*graph.output]
    if answerer.method == "predict":
        kept = outputs[:1]
    elif answerer.answer == "label" and answerer.threshold is None:
        kept = [outputs[0], outputs[-1]]
    else:
        kept = outputs[-1:]
    del graph.output[:]
    graph.output.extend(kept)
    if answerer.answer == "label" and answerer.method == "predict":
        _score_label(graph, kept[0].name, answerer.classes or [])
        return
    makers = {name: node for node in graph.node for name in node.output}
    maker = makers.get(kept[-1].name)
    if maker is not None and maker.op_type == "SequenceConstruct":
        _join_sequence(graph, maker)


def _score_label(graph: onnx.GraphProto, label: str, classes: Sequence[str | int]) -> None:
    """Replace the label by a score for each class: 1 for the label, and 0 for the others."""
    values = np.array(classes, dtype=object if isinstance(classes[0], str) else np.int64)
    known = numpy_helper.from_array(values[None], "label_classes")
    shape = numpy_helper.from_array(np.array([-1, 1]), "label_shape")
    graph.initializer.extend([known, shape])
    column = helper.make_node("Reshape", [label, shape.name], ["label_column"])
    is_label = helper.make_node("Equal", ["label_column", known.name], ["is_label"])
    cast = helper.make_node("Cast", ["is_label"], ["label_scores"], to=TensorProto.FLOAT)
    graph.node.extend([column, is_label, cast])
    del graph.output[:]
    value = helper.make_tensor_value_info("label_scores", TensorProto.FLOAT, ["n", len(classes)])
    graph.output.append(value)


def _join_sequence(graph: onnx.GraphProto, maker: onnx.NodeProto) -> None:
    """Replace a sequence of the probabilities of labels by those of their second class."""
    places = helper.make_tensor("second_class", TensorProto.INT64, [1], [1])
    wide = helper.make_tensor("two_classes", TensorProto.INT64, [2], [-1, 2])
    graph.initializer.extend([places, wide])
    parts = []
    for number, name in enumerate(maker.input):
        flat, part = f"label_{number}_probabilities", f"label_{number}"
        graph.node.append(helper.make_node("Reshape", [name, wide.name], [flat]))
        graph.node.append(helper.make_node("Gather", [flat, places.name], [part], axis=1))
        parts.append(part)
    graph.node.append(helper.make_node("Concat", parts, ["label_scores"], axis=1))
    graph.node.remove(maker)
    kind = graph.input[0].type.tensor_type.elem_type
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("label_scores", kind, ["n", len(parts)]))


def _converters() -> Mapping[type, Converter]:
    """Return our converters of classes of scikit-learn."""
    return {
        **{cls: _narrowed(get_converter(sklearn_operator_name_map[cls])) for cls in ROUNDED},
        **{cls: _of_trees(read) for cls, read in READERS.items()},
        Binarizer: _encoder(encoders.above),
        FunctionTransformer: _function,
        KBinsDiscretizer: _encoder(encoders.bins),
        LinearDiscriminantAnalysis: _discriminant,
        OneHotEncoder: _encoder(encoders.one_hot),
        OrdinalEncoder: _encoder(encoders.ordinal),
        SimpleImputer: _imputer,
        **dict.fromkeys((SVC, NuSVC, SVR, NuSVR, OneClassSVM), _svm),
        VotingClassifier: _voting,
    }


def _imputer_shape(operator: Operator) -> None:
    model = operator.raw_operator
    flags = 0 if model.indicator_ is None else len(model.indicator_.features_)
    _set_width(operator, int((~np.isnan(_fills(model))).sum()) + flags)


def _fills(model: SimpleImputer) -> np.ndarray:
    """Return what replaces missing numbers; NaN for a column that is left out."""
    return np.asarray(model.statistics_, dtype=np.float64)


def _imputer(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Convert a SimpleImputer of numbers with its indicators, which skl2onnx does not know."""
    model, features = operator.raw_operator, operator.inputs[0]
    if not np.isnan(model.missing_values):
        raise UnsupportedError(
            "SimpleImputer takes only NaN as missing here: fit it without missing_values"
        )
    builder = Builder(scope, container, _is_double(features))
    fills = _fills(model)
    known = np.flatnonzero(~np.isnan(fills))
    is_missing = builder.add("IsNaN", features.full_name)
    fill = builder.constant(fills[None, known])
    parts = [
        builder.add(
            "Where",
            builder.add("Gather", is_missing, builder.places(known), axis=1),
            fill,
            builder.add("Gather", features.full_name, builder.places(known), axis=1),
        )
    ]
    if model.indicator_ is not None:
        places = builder.places(model.indicator_.features_)
        parts.append(builder.cast(builder.add("Gather", is_missing, places, axis=1)))
    builder.add("Concat", *parts, axis=1, output=operator.outputs[0].full_name)


def _encoder(add: Callable[[Builder, str, Any], list[str]]) -> Converter:
    """Return a converter of an encoder of numbers."""

    def converter(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
        (features,) = operator.inputs
        builder = Builder(scope, container, _is_double(features))
        parts = add(builder, features.full_name, operator.raw_operator)
        builder.add("Concat", *parts, axis=1, output=operator.outputs[0].full_name)

    return converter


def _function(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Convert a FunctionTransformer of a function of numpy."""
    (features,) = operator.inputs
    builder = Builder(scope, container, _is_double(features))
    found = functions.added(builder, features.full_name, operator.raw_operator)
    builder.add("Identity", found, output=operator.outputs[0].full_name)


def _unchanged_shape(operator: Operator) -> None:
    _set_width(operator, operator.inputs[0].type.shape[1])


def _set_width(operator: Operator, width: int) -> None:
    operator.outputs[0].type = type(operator.inputs[0].type)([None, width])


def _one_hot_shape(operator: Operator) -> None:
    _set_width(operator, len(operator.raw_operator.get_feature_names_out()))


def _same_shape(operator: Operator) -> None:
    _set_width(operator, operator.raw_operator.n_features_in_)


def _bins_shape(operator: Operator) -> None:
    model = operator.raw_operator
    is_ordinal = model.encode == "ordinal"
    _set_width(operator, len(model.n_bins_) if is_ordinal else int(model.n_bins_.sum()))


def _discriminant(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Convert LinearDiscriminantAnalysis; skl2onnx answers wrongly for two classes."""
    model, features = operator.raw_operator, operator.inputs[0]
    if len(model.classes_) > 2:
        get_converter(sklearn_operator_name_map[type(model)])(scope, operator, container)
        return
    builder = Builder(scope, container, _is_double(features))
    label, answer = (one.full_name for one in operator.outputs)
    product = builder.add("MatMul", features.full_name, builder.constant(model.coef_.T))
    second = builder.add("Sigmoid", builder.add("Add", product, builder.constant(model.intercept_)))
    first = builder.add("Sub", builder.constant(np.ones(1)), second)
    both = builder.add("Concat", first, second, axis=1, output=answer)
    place = builder.add("ArgMax", both, axis=1, keepdims=0)
    builder.add("Gather", _classes(scope, container, model.classes_), place, output=label)


def _svm(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Convert a kernel machine; probabilities are left to skl2onnx."""
    model, features = operator.raw_operator, operator.inputs[0]
    if getattr(model, "probability", False) is True:
        get_converter(sklearn_operator_name_map[type(model)])(scope, operator, container)
        return
    builder = Builder(scope, container, _is_double(features))
    values = svm.decision(builder, features.full_name, model)
    answers = [one.full_name for one in operator.outputs]
    if not hasattr(model, "classes_"):
        if len(answers) == 2:  # an outlier detector, whose label nobody asks for
            builder.cast(values, TensorProto.INT64, answers[0])
        builder.add("Identity", values, output=answers[-1])
        return
    if len(model.classes_) == 2:
        votes = builder.add("Concat", builder.add("Neg", values), values, axis=1, output=answers[1])
    else:
        votes, scores = svm.of_classes(builder, values, len(model.classes_))
        chosen = values if model.decision_function_shape == "ovo" else scores
        builder.add("Identity", chosen, output=answers[1])
    place = builder.add("ArgMax", votes, axis=1, keepdims=0)
    builder.add("Gather", _classes(scope, container, model.classes_), place, output=answers[0])


def _classes(scope: Scope, container: ModelComponentContainer, classes: np.ndarray) -> str:
    """Add the labels as a constant."""
    ((kind, labels),) = _labels(classes).items()
    name = scope.get_unique_variable_name("classes")
    type = TensorProto.INT64 if kind == "classlabels_int64s" else TensorProto.STRING
    values = labels if type == TensorProto.INT64 else [label.encode() for label in labels]
    container.add_initializer(name, type, [len(values)], values)
    return name


def _voting(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Convert a VotingClassifier; skl2onnx refuses an option that concerns `transform` only."""
    model = copy.copy(operator.raw_operator)
    model.flatten_transform = False
    convert = get_converter(sklearn_operator_name_map[VotingClassifier])
    other = _like(operator, operator.inputs, operator.outputs)
    other.raw_operator = model
    convert(scope, other, container)


def _register_boosting() -> None:
    """Tell skl2onnx of the estimators of other libraries, those that are installed."""
    readers = {
        boosting.of_xgboost: (XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor),
        boosting.of_lightgbm: _installed("lightgbm", "LGBMClassifier", "LGBMRegressor"),
        boosting.of_catboost: _installed("catboost", "CatBoostClassifier", "CatBoostRegressor"),
    }
    for reader, classes in readers.items():
        for cls in classes:
            is_class = cls.__name__.endswith("Classifier")
            update_registered_converter(
                cls,
                f"{cls.__module__}.{cls.__name__}",
                calculate_linear_classifier_output_shapes
                if is_class
                else calculate_linear_regressor_output_shapes,
                _of_trees(reader),
                parser=_parsed_classifier if is_class else None,
                options={"zipmap": [True, False], "nocl": [True, False]} if is_class else None,
            )

    update_registered_converter(Table, "HitparadeTable", _table_shape, _table)
    update_registered_converter(Pick, "HitparadePick", _pick_shape, _pick)


def _pick_shape(operator: Operator) -> None:
    _set_width(operator, len(operator.raw_operator.places))


def _pick(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Convert the choice of columns."""
    builder = Builder(scope, container, is_double=False)
    places = builder.places(np.array(operator.raw_operator.places))
    features, answer = operator.inputs[0].full_name, operator.outputs[0].full_name
    builder.add("Gather", features, places, axis=1, output=answer)


def _table_shape(operator: Operator) -> None:
    _set_width(operator, operator.raw_operator.weights.shape[1])


def _table(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Convert a table of the answers of a transformer of text, see `columns`."""
    weights = operator.raw_operator.weights
    features = operator.inputs[0]
    builder = Builder(scope, container, _is_double(features))
    is_choice = np.isin(weights, (0, 1)).all() and (weights.sum(axis=0) == 1).all()
    if is_choice:  # one-hot groups: SQL evaluates trees behind a choice of columns
        places = builder.places(weights.argmax(axis=0))
        output = operator.outputs[0].full_name
        builder.add("Gather", features.full_name, places, axis=1, output=output)
        return
    found = builder.add("MatMul", features.full_name, builder.constant(np.nan_to_num(weights)))
    is_nan = np.isnan(weights)
    if is_nan.any():  # a product with NaN would be NaN in every row
        flags = builder.add("MatMul", features.full_name, builder.constant(is_nan * 1.0))
        nothing = builder.constant(np.full(1, np.nan))
        found = builder.add("Where", builder.cast(flags, TensorProto.BOOL), nothing, found)
    builder.add("Identity", found, output=operator.outputs[0].full_name)


def _parsed_classifier(
    scope: Scope, model: Any, inputs: list[Variable], custom_parsers: Any = None
) -> list[Variable]:
    """Declare the label and the probabilities of a classifier that skl2onnx does not know."""
    operator = scope.declare_local_operator(
        f"{type(model).__module__}.{type(model).__name__}", model
    )
    operator.inputs.extend(inputs)
    label = (
        StringTensorType if "classlabels_strings" in _labels(model.classes_) else Int64TensorType
    )
    for name, type_ in (("label", label), ("probabilities", type(inputs[0].type))):
        operator.outputs.append(scope.declare_local_variable(name, type_()))
    return operator.outputs


def _installed(package: str, *names: str) -> tuple[type, ...]:
    """Return classes of a package that may be absent; whoever has a model of it has the package."""
    try:
        module = __import__(package)
    except ImportError:
        return ()
    return tuple(getattr(module, name) for name in names)


def _narrowed(convert: Converter) -> Converter:
    """Return a converter that rounds float64 features to float32 and widens the answers."""

    def converter(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
        (features,) = operator.inputs
        if not isinstance(features.type, DoubleTensorType):
            convert(scope, operator, container)
            return
        rounded = _cast(scope, container, features, FloatTensorType)
        outputs = [_local(scope, out) if _is_double(out) else out for out in operator.outputs]
        convert(scope, _like(operator, [rounded], outputs), container)
        for inner, outer in zip(outputs, operator.outputs, strict=True):
            if inner is not outer:
                _add_cast(scope, container, inner, outer)

    return converter


def _of_trees(read: Callable[[Any], Ensemble]) -> Converter:
    """Return a converter of the trees that `read` returns."""

    def converter(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
        ensemble = read(operator.raw_operator)
        (features,) = operator.inputs
        if _is_double(features) and not ensemble.is_double:
            features = _cast(scope, container, features, FloatTensorType)
        is_class = len(operator.outputs) == 2  # the label and its probabilities
        answer = operator.outputs[-1]
        found = _local(scope, answer)
        values = attributes(ensemble, "class" if is_class else "target", _is_double(features))
        if is_class:
            values |= _labels(operator.raw_operator.classes_)
            values["post_transform"] = POST_TRANSFORMS[ensemble.link]
            outputs = [operator.outputs[0].full_name, found.full_name]
        else:
            values["n_targets"] = len(ensemble.base)
            outputs = [found.full_name]
        container.add_node(
            "TreeEnsembleClassifier" if is_class else "TreeEnsembleRegressor",
            features.full_name,
            outputs,
            op_domain="ai.onnx.ml",
            op_version=OPSETS["ai.onnx.ml"],
            name=scope.get_unique_operator_name("trees"),
            **values,
        )
        if not is_class and ensemble.link != "identity":
            found = _linked(scope, container, found, ensemble.link)
        _add_cast(scope, container, found, answer)

    return converter


def _linked(scope: Scope, container: ModelComponentContainer, raw: Variable, link: str) -> Variable:
    """Add the link of a regression, which the operator does not have."""
    found = _local(scope, raw)
    name = {"exp": "Exp", "sigmoid": "Sigmoid"}[link]
    container.add_node(
        name, raw.full_name, found.full_name, name=scope.get_unique_operator_name(name)
    )
    return found


def _labels(classes: np.ndarray) -> dict:
    if np.issubdtype(classes.dtype, np.number) or classes.dtype == bool:
        return {"classlabels_int64s": [int(label) for label in classes]}
    return {"classlabels_strings": [str(label) for label in classes]}


def _is_double(variable: Variable) -> bool:
    return isinstance(variable.type, DoubleTensorType)


def _local(scope: Scope, like: Variable) -> Variable:
    shape = list(like.type.shape)
    return scope.declare_local_variable(f"{like.raw_name}_float", FloatTensorType(shape))


def _cast(
    scope: Scope, container: ModelComponentContainer, variable: Variable, type: type
) -> Variable:
    found = _local(scope, variable)
    _add_cast(scope, container, variable, found)
    return found


def _add_cast(
    scope: Scope, container: ModelComponentContainer, found: Variable, wanted: Variable
) -> None:
    container.add_node(
        "Cast",
        found.full_name,
        wanted.full_name,
        to=TensorProto.DOUBLE if _is_double(wanted) else TensorProto.FLOAT,
        name=scope.get_unique_operator_name("cast"),
    )


def _like(operator: Operator, inputs: list[Variable], outputs: list[Variable]) -> Operator:
    """Return an operator with other inputs and outputs, which skl2onnx does not link to it."""
    other = object.__new__(Operator)
    other.__dict__.update(operator.__dict__)
    for name, kind, variables in (("inputs", "In", inputs), ("outputs", "Out", outputs)):
        values = Operator.OperatorList(other, kind)
        list.extend(values, variables)
        other.__dict__[name] = values
    return other
