"""The tail is held: no file and no function grows until nobody may split it."""

from tests.architecture.source import CODE, modules

MODULE_LINES_MAX, FUNCTION_LINES_MAX, TEST_LINES_MAX = 300, 40, 500


def test_no_module_is_longer_than_300_lines() -> None:
    long = {module.name: module.lines for module in modules(*CODE)}

    assert {name: lines for name, lines in long.items() if lines > MODULE_LINES_MAX} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    long = {
        f"{module.at(function)} {function.name}": function.end_lineno - function.lineno + 1
        for module in modules(*CODE)
        for function in module.functions()
        if function.end_lineno is not None
    }

    assert {name: lines for name, lines in long.items() if lines > FUNCTION_LINES_MAX} == {}


def test_no_test_module_is_longer_than_500_lines() -> None:
    long = {module.name: module.lines for module in modules("tests")}

    assert {name: lines for name, lines in long.items() if lines > TEST_LINES_MAX} == {}
