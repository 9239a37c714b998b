"""Every mistake of a user: one clear message on stderr, exit code 2, no traceback, nothing on stdout."""

import re
import subprocess
import sys

import pytest


def assert_refused(result, message):
    assert result.exit_code == 2
    assert result.stdout == ""
    assert re.search(message, result.stderr), result.stderr
    assert len(re.findall("^Error: ", result.stderr, re.MULTILINE)) == 1
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = = 1", r"^Error: mine\.py, line 8: invalid syntax: x = = 1$"),
        ("a = 1", r"mine\.py contains no problem\. Write `problem = nc\.Problem\(\.\.\.\)`"),
        ("a = nc.Problem(x**2)\nb = nc.Problem(y**2)", r"mine\.py offers a and b\. Say which one: mine\.py:a"),
        ("problem = nc.Problem(1 / 0)", r"mine\.py, line 8: ZeroDivisionError: division by zero"),
        (
            "problem = nc.Problem(x**2, bounds={y: (0, 1)})",
            r"line 8: bounds: there is no variable 'y'\. The variables are x\.",
        ),
        ("problem = nc.Problem(x**2, bounds={x: (2, 1)})", r"line 8: bounds: 'x' has low > high: 2 > 1\."),
        (
            "problem = nc.Problem(x**2, start={x: [1, 2]})",
            r"line 8: start: 'x' has shape \(2,\), but it must be one number",
        ),
        ("problem = nc.Problem(x**2, known=[nc.Minimum({x: 'a'})])", r"line 8: known"),
        ("problem = nc.Problem(x**2, constants={'smoothnes': 1})", r"line 8: .*Did you mean 'smoothness'\?"),
        ("problem = nc.Problem(sp.I * x)", r"line 8: The objective is complex"),
        (
            "problem = nc.Problem(sp.Matrix([x, y]))",
            r"line 8: The objective is a \w*Matrix of shape \(2, 1\), not a scalar",
        ),
        ("problem = nc.Problem(sp.Integer(3))", r"line 8: The objective has no variables"),
        ("problem = nc.Problem(sp.Function('g')(x))", r"line 8: The function 'g' in the objective is undefined"),
        (r"problem = nc.Problem(sp.Symbol('z\ud800')**2)", r"line 8: A symbol is called 'z\\ud800', which is no text"),
        ("problem = nc.Problem(x**2, penalty=1)", r"line 8: penalty: 1 is not a penalty"),
        (
            "problem = nc.Problem(sp.Sum(v[i]**2, (i, 0, 2)), start={v: [1, 2]})",
            r"line 8: start: 'v' has shape \(2,\), but it must be a number or an array of shape \(3,\)",
        ),
        (
            "problem = nc.Problem(sp.Sum(A[i] * x, (i, 0, 2)), data={A: np.ones(4)})",
            r"line 8: data: 'A' is declared with shape \(3,\), but its array has shape \(4,\)",
        ),
        (
            "problem = nc.Problem(sp.Sum(A[i] * x, (i, 0, 2)), data={A: [1, np.nan, 2]})",
            r"line 8: data: 'A' contains nan at \[1\]",
        ),
        (
            "problem = nc.Problem(sp.Sum(A[i] * x**2, (i, 0, 3)), data={A: np.ones(3)})",
            r"A\[i\] reads position 3 of axis 0 of 'A', which has shape \(3,\)",
        ),
    ],
)
def test_a_wrong_problem_file(run, problem_file, text, message):
    assert_refused(run("solve", problem_file(text)), message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("slove himmelblau", r"No such command 'slove'.*'solve'"),
        ("solve", r"Missing argument 'PROBLEM'"),
        ("solve himelblau", r"no problem 'himelblau' in the library\. Did you mean 'himmelblau'\?"),
        ("solve nowhere.py", r"nowhere\.py: this file does not exist"),
        ("solve himmelblau -s gdd", r"no solver 'gdd'\. Did you mean 'gd'\?"),
        ("solve himmelblau --solvr gd", r"No such option '--solvr'.*'--solver'"),
        ("solve himmelblau --seed x", r"Invalid value for '--seed': 'x' is not a valid integer"),
        ("solve himmelblau --starts 0", r"Invalid value for '--starts': 0 is not in the range x>=1"),
        ("solve himmelblau --jobs 4", r"--jobs 4 is for several starts: add --starts N\. .*-o workers=4"),
        ("solve himmelblau --tolerance 0", r"Invalid value for '--tolerance'"),
        ("solve himmelblau --max-seconds -1", r"Invalid value for '--max-seconds'"),
        ("solve himmelblau --backend nunpy", r"unknown backend 'nunpy'\. Did you mean 'numpy'\?"),
        ("solve himmelblau -s gd -o step=1", r"no option 'step' of solver 'gd'\. Did you mean 'step_size'\?"),
        ("solve himmelblau -s gd -o step_size=fast", r"Option 'step_size' of solver 'gd' must be .*number, not 'fast'"),
        ("solve himmelblau -s gd -o step_size=-1", r"must be above 0, but it is -1"),
        ("solve himmelblau -s gd -o step_size", r"'step_size' is not KEY=VALUE"),
        ("solve rosenbrock -p m=3", r"rosenbrock has no parameter 'm'"),
        ("solve rosenbrock -p n=3 -p n=4", r"'n' is given twice"),
        ("solve rosenbrock -p n=many", r"-p n=many: 'many' is not an int"),
        ("solve rosenbrock -p n=1", r"the chain needs at least 2 variables, not 1"),
        ("solve himmelblau --plot a.pdf", r"Cannot plot into 'a\.pdf': the name must end in \.png or \.svg"),
        ("solve himmelblau --plot no/a.svg", r"Cannot plot into 'no/a\.svg': there is no folder 'no'"),
        ("solve himmelblau --x0 1", r"--x0 has shape \(1,\), but the variables x, y need \(2,\)"),
        ("solve himmelblau --x0 1,a", r"--x0: 'a' is not a number"),
        ("solve himmelblau --x0 1,nan", r"--x0: nan is not a finite number"),
        ("solve himmelblau --x0 x=1", r"--x0: there is no value for y"),
        ("solve himmelblau --x0 x=1,z=2", r"--x0: there is no variable 'z'"),
        ("solve himmelblau --x0 x=1,x=2,y=1", r"--x0 gives x twice"),
        ("solve himmelblau --x0 x[0]=1,y=2", r"--x0: there is no x\[0\]; it is a single number"),
        ("solve himmelblau --x0 x=1,2", r"--x0: '2' is neither NAME=NUMBER nor NAME\[INDEX\]=NUMBER"),
        ("solve rosenbrock -p n=2 --x0 x[2]=1", r"--x0: there is no x\[2\]; its shape is \(2,\)"),
        ("solve rosenbrock -p n=2 --x0 x[a]=1", r"--x0: there is no x\[a\]"),
        ("solve rosenbrock -p n=2 --x0 x[0]=1", r"--x0 gives no value of x\[1\]"),
        ("solve rosenbrock -p n=2 --x0 x[0]=1,x[0]=2", r"--x0 gives x\[0\] twice"),
        ("solve rosenbrock -p n=2 --x0 x=1,x[0]=2", r"--x0 gives x\[0\] twice"),
        ("solve rosenbrock -p n=2 --x0 9,9", r"x0 lies outside the bounds: x\[0\] = 9 is not in \[-5, 5\]"),
        ("classify himmelblau", r"Missing option '--at'"),
        ("classify himmelblau --at 1,2,3", r"--at has shape \(3,\)"),
        ("compare himmelblau", r"Missing option '-s'"),
        ("compare himmelblau -s gdd", r"Did you mean 'gd'\?"),
        ("solvers gdd", r"no solver 'gdd'\. Did you mean 'gd'\?"),
        ("solvers --for himelblau", r"Did you mean 'himmelblau'\?"),
        ("plugins lst", r"No such command 'lst'.*'list'"),
        ("plugins test first-ordr", r"no plugin 'first-ordr'\. Did you mean 'first-order'\?"),
        ("plugins new gd", r"There is a solver 'gd' already"),
        ("plugins new My_Solver", r"'My_Solver' is no name for a solver"),
    ],
)
def test_a_wrong_command_line(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert_refused(run(*arguments.split()), message)


def test_json_keeps_stdout_empty_when_the_input_is_bad(run):
    assert_refused(run("solve", "himelblau", "--json"), "Did you mean 'himmelblau'")


def test_no_traceback_in_a_real_process(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "ncsolve", "solve", "nowhere.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: nowhere.py: this file does not exist.\n"


def test_a_plot_without_matplotlib_says_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = run("solve", "himmelblau", "--plot", str(tmp_path / "a.svg"))
    assert_refused(result, r"^Error: needs matplotlib: pip install ncsolve\[plot\]$")
