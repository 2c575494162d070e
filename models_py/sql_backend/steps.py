"""The operations of the steps of a program, as SQL: see the macro `step_scores`.

They are few, because a query plans all of them, each in .1 milliseconds: `functions` composes the
operators of ONNX of them. `hitparade generate` writes the macro that evaluates them.

In the SQL, `step` is the step, {numbers} are all numbers of the row, {taken} those that the step
takes, {v} is the number that is taken for result {i}, and {other} the one after all of these.
DuckDB counts NaN as larger than every number.
"""

# Operations that give one number for each intercept of the step.
ELEMENTWISE = {
    "Scale": "step.weights[1][{i}] * {v} + step.intercepts[{i}]",
    "Relu": "greatest({v}, 0)",
    "Sigmoid": "1 / (1 + exp(-{v}))",
    "Exp": "exp({v})",
    "Log": (
        "case when {v} > 0 then ln({v}) when {v} = 0 then cast('-inf' as double) "
        "else cast('nan' as double) end"
    ),
    "Mul": "{v} * {other}",
    "Div": "{v} / {other}",
    # {v} is 1 or 0; then follow the numbers for 1, and then those for 0.
    "Where": (
        "case when {v} = 1 then {other} "
        "else {numbers}[step.takes[{i} + 2 * len(step.intercepts)]] end"
    ),
    "Fill": "case when isnan({v}) then step.intercepts[{i}] else {v} end",
    # The nearest float32; infinite if there is none.
    "Float": (
        "case when abs({v}) < 3.4028235677973366e38 then cast(cast({v} as float) as double) "
        "else {v} * cast('inf' as double) end"
    ),
    "Floor": "floor({v})",
    "IsPositive": "cast({v} > 0 and not isnan({v}) as double)",
    "IsZero": "cast({v} = 0 as double)",
}
# Operations on all numbers that the step takes.
OF_ROWS = {
    "Affine": (
        "list_transform([{taken}], lambda taken: list_transform(step.weights, "
        "lambda weights, i: step.intercepts[i] + list_dot_product(weights, taken)))[1]"
    ),
    "Max": "[list_max({taken})]",
    "ArgMax": "[cast(list_position({taken}, list_max({taken})) - 1 as double)]",
}
# Those that may come before trees.
BEFORE_TREES = (*("Affine", "Scale", "Where", "Fill", "Float", "Floor", "IsPositive", "IsZero"),)
