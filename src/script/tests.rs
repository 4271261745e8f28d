mod notebooks;

use crate::edit;
use crate::source::Source;

use super::*;

const V1: &str = "from azureml.core import Environment, ScriptRunConfig\n";

fn source(text: &str) -> Source {
    Source::from_text("f", text)
}

fn script(text: &str) -> PythonScript {
    read(&source(text), Form::Python).unwrap().unwrap()
}

fn names(text: &str) -> Vec<String> {
    let script = read(&source(text), Form::Python).unwrap();
    script.into_iter().flat_map(|script| script.environments).map(|object| object.name).collect()
}

/// Fixes the object, proves it, and demands that nothing is left to do.
fn fixed_in(text: &str, form: Form, object: usize) -> Result<String, String> {
    let before = source(text);
    let script = read(&before, form).map_err(|error| error.message)?.ok_or("no environment")?;
    let (edits, changes) = script.precache_off(&before, object)?;
    let after = source(&edit::apply(text, &edits).unwrap());
    check(&before, &after, form, &changes.iter().collect::<Vec<_>>())
        .unwrap_or_else(|error| panic!("{error}\n{}", after.text()));
    let again = read(&after, form).unwrap().unwrap();
    assert!(again.environments[object].precache_is_off(), "{}", after.text());
    assert_eq!(again.precache_off(&after, object), Ok((Vec::new(), Vec::new())));
    Ok(after.text().to_owned())
}

fn fixed(code: &str) -> Result<String, String> {
    let text = fixed_in(&format!("{V1}{code}"), Form::Python, 0)?;
    Ok(text.strip_prefix(V1).unwrap().to_owned())
}

fn becomes(code: &str, expected: &str) {
    assert_eq!(fixed(code).as_deref(), Ok(expected));
}

fn refused(code: &str, reason: &str) {
    let error = fixed(code).expect_err("a fix");
    assert!(error.contains(reason), "{error}");
}

const OFF: &str = "env.spark.precache_packages = False\n";

#[test]
fn a_text_without_the_sdk_is_not_read() {
    assert!(names("from jinja2 import Environment\nenv = Environment()\n").is_empty());
    assert!(names("import azureml.core\nx = (((\n").is_empty(), "no word of environments");
}

#[test]
fn the_class_is_followed_through_every_kind_of_import() {
    for import in [
        "from azureml.core import Environment as E\nenv = E('a')\n",
        "from azureml.core.environment import Environment\nenv = Environment(name='a')\n",
        "from azureml.core.environment import *\nenv = Environment('a')\n",
        "import azureml.core\nenv = azureml.core.Environment('a')\n",
        "import azureml.core as core\nenv = core.environment.Environment('a')\n",
        "import azureml.core.environment as m\nenv = m.Environment.from_pip_requirements('a', 'r.txt')\n",
        "from azureml import core\nenv = core.Environment.get(ws, 'a')\n",
        "from azureml.core import (\n    Workspace,\n    Environment,  # v1\n)\nenv = Environment('a')\n",
        "from azureml.core import Environment\nE = Environment\nenv = E('a')\n",
        "try:\n    from azureml.core import Environment\nexcept ImportError:\n    Environment = None\nenv = Environment('a')\n",
        "def f():\n    from azureml.core import Environment\n    env = Environment('a')\n",
        "from azureml.core import Environment\ndef f():\n    env = Environment('a')\n",
        "from azureml.core import Environment\ndef f(ws) -> Environment:\n    pass\nenv = f(1)\n",
        "from azureml.core import Environment\nenv: Environment = f()\n",
        "from azureml.core import Environment\ndef f(env: Environment): pass\n",
        "from azureml.core import Environment\ndef f(env: 'Optional[Environment]' = None): pass\n",
    ] {
        assert_eq!(names(import), ["env"], "{import}");
    }
}

#[test]
fn what_only_looks_like_the_class_is_left_alone() {
    for code in [
        "import azureml.core\nfrom azure.ai.ml.entities import Environment\nenv = Environment('a')\n",
        "from azureml.core import Environment\nfrom azure.ai.ml.entities import Environment\nenv = Environment('a')\n",
        "from azureml.core import Environment\nfrom azure.ai.ml.entities import *\nenv = Environment('a')\n",
        "from azureml.core import Environment\nclass Environment:\n    pass\nenv = Environment('a')\n",
        "from azureml.core import Environment\nif x:\n    from jinja2 import Environment\nenv = Environment('a')\n",
        "from jinja2 import Environment\nif x:\n    from azureml.core import Environment\nenv = Environment('a')\n",
        "from azureml.core import Environment\ndef f(Environment):\n    env = Environment('a')\n",
        "from azureml.core import Environment\n@mock.patch('m.Environment')\ndef f(m):\n    env = Environment('a')\n",
        "from azureml.core import Environment\nwith patch('azureml.core.Environment'):\n    env = Environment('a')\n",
        "import azureml.core\nfrom gym import Environment\nenv = Environment()\n",
        "from azureml.core import Environment\n# env = Environment('a')\ns = \"Environment('a')\"\n",
        "from azureml.core import Environment\nfor name in Environment.list(ws):\n    print(name)\n",
        "import azureml.core\nclass Environment:\n    pass\nenv = Environment()\n",
    ] {
        assert!(names(code).is_empty(), "{code}");
    }
}

#[test]
fn the_binding_in_force_decides() {
    let code = "from azure.ai.ml.entities import Environment\na = Environment(name='v2')\nfrom azureml.core import Environment\nb = Environment('v1')\n";
    assert_eq!(names(code), ["b"]);
}

#[test]
fn a_run_configuration_has_an_environment() {
    let code = "from azureml.core.runconfig import RunConfiguration\nrc = RunConfiguration()\nrc.environment.spark.packages = [p]\n";
    assert_eq!(names(code), ["rc.environment"]);
    assert_eq!(
        fixed_in(code, Form::Python, 0).unwrap(),
        format!("{code}rc.environment.spark.precache_packages = False\n")
    );
    let given = "from azureml.core import Environment, RunConfiguration\nenv = Environment('a')\nrc = RunConfiguration()\nrc.environment = env\nrc.environment.spark.packages = [p]\n";
    let script = script(given);
    assert_eq!(script.environments[0].adds_packages.len(), 1, "the environment behind the configuration");
    assert!(script.environments[1].adds_packages.is_empty(), "its own one is replaced");
}

#[test]
fn packages_that_are_put_in_are_seen_and_empty_lists_are_not() {
    let adds = |code: &str| script(&format!("{V1}env = Environment('a')\n{code}")).environments[0].adds_packages.len();
    for code in [
        "env.spark.packages = [p]\n",
        "env.spark.packages = packages\n",
        "env.spark.packages += [p]\n",
        "env.spark.packages.append(SparkPackage('g', 'a', '1'))\n",
        "env.spark.packages.extend(more)\n",
        "p = env.spark.packages\np.append(x)\n",
        "s = env.spark\ns.packages = [x]\n",
        "other = env\nother.spark.packages = [x]\n",
        "def f():\n    env.spark.packages = [x]\n",
        "if c:\n    env.spark.packages = [x]\n",
    ] {
        assert_eq!(adds(code), 1, "{code}");
    }
    for code in [
        "env.spark.packages = []\n",
        "env.spark.packages.extend([])\n",
        "print(env.spark.packages)\n",
        "env.spark.repositories = [r]\n",
    ] {
        assert_eq!(adds(code), 0, "{code}");
    }
}

#[test]
fn the_statement_goes_behind_what_touches_spark_or_makes_the_object() {
    becomes("env = Environment('a')\n", &format!("env = Environment('a')\n{OFF}"));
    becomes(
        "env = Environment('a')\nx = 1\nenv.spark.packages = [\n    p,  # one\n]  # all\n# next\nenv.register(ws)\n",
        &format!(
            "env = Environment('a')\nx = 1\nenv.spark.packages = [\n    p,  # one\n]  # all\n{OFF}# next\nenv.register(ws)\n"
        ),
    );
    becomes(
        "env = Environment(\n    'a'\n)  # made\nenv.register(ws)\nenv.spark.packages = [p]\n",
        &format!("env = Environment(\n    'a'\n)  # made\n{OFF}env.register(ws)\nenv.spark.packages = [p]\n"),
    );
    becomes(
        "s = 0\nenv = Environment('a')\ns = env.spark\ns.packages = [p]\n",
        "s = 0\nenv = Environment('a')\ns = env.spark\ns.packages = [p]\ns.precache_packages = False\n",
    );
}

#[test]
fn what_happens_in_a_branch_does_not_count_outside() {
    becomes(
        "env = Environment('a')\nif c:\n    env.spark.packages = [p]\n    env.spark.precache_packages = False\n",
        &format!(
            "env = Environment('a')\n{OFF}if c:\n    env.spark.packages = [p]\n    env.spark.precache_packages = False\n"
        ),
    );
    becomes(
        "if c:\n    env = Environment('a')\nelse:\n    env = Environment('b')\nenv.spark.precache_packages = False\n",
        "if c:\n    env = Environment('a')\nelse:\n    env = Environment('b')\nenv.spark.precache_packages = False\n",
    );
    becomes(
        "env = Environment('a')\nwith x:\n    env.spark.precache_packages = False\n",
        "env = Environment('a')\nwith x:\n    env.spark.precache_packages = False\n",
    );
    becomes(
        "env = Environment('a')\nfor p in ps:\n    env.spark.packages.append(p)\n",
        &format!("env = Environment('a')\n{OFF}for p in ps:\n    env.spark.packages.append(p)\n"),
    );
}

#[test]
fn a_name_bound_twice_is_two_objects() {
    let code = "env = Environment('a')\nenv.spark.packages = [p]\nenv.spark.precache_packages = False\nenv.register(ws)\nenv = Environment('b')\nenv.spark.packages = [q]\n";
    let text = format!("{V1}{code}");
    let script = script(&text);
    assert_eq!(script.environments.iter().map(EnvironmentObject::precache_is_off).collect::<Vec<_>>(), [true, false]);
    assert_eq!(fixed_in(&text, Form::Python, 1).unwrap(), format!("{text}{OFF}"));
}

#[test]
fn a_true_value_is_flipped_and_an_expression_is_not() {
    for value in ["True", "1", "'yes'"] {
        becomes(
            &format!("env = Environment('a')\nenv.spark.precache_packages = {value}  # why\nenv.register(ws)\n"),
            "env = Environment('a')\nenv.spark.precache_packages = False  # why\nenv.register(ws)\n",
        );
    }
    becomes(
        "env = Environment('a')\nif c:\n    env.spark.precache_packages = True\n",
        &format!("env = Environment('a')\n{OFF}if c:\n    env.spark.precache_packages = False\n"),
    );
    refused("env = Environment('a')\nenv.spark.precache_packages = not DEBUG\n", "expression");
    refused("env = Environment('a')\nenv.spark.precache_packages = x = True\n", "expression");
    refused("env = Environment('a')\nsetattr(env.spark, 'precache_packages', True)\n", "expression");
    becomes(
        "env = Environment('a')\nsetattr(env.spark, 'precache_packages', False)\n",
        "env = Environment('a')\nsetattr(env.spark, 'precache_packages', False)\n",
    );
}

#[test]
fn it_is_set_before_the_first_use() {
    becomes(
        "env = Environment('a')\nenv.register(ws)\nenv.spark.precache_packages = False\n",
        &format!("env = Environment('a')\n{OFF}env.register(ws)\nenv.spark.precache_packages = False\n"),
    );
    let used = |code: &str| script(&format!("{V1}{code}")).environments[0].used.is_some();
    for code in [
        "env.build(ws)",
        "x = ScriptRunConfig('.', environment=env)",
        "f(env)",
        "xs = [env]",
        "cfg.environment = env",
        "d['a'] = env",
    ] {
        assert!(used(&format!("env = Environment('a')\n{code}\n")), "{code}");
    }
    for code in ["print(env)", "env", "assert env is not None", "y = env.name", "env.python.conda_dependencies = cd"] {
        assert!(!used(&format!("env = Environment('a')\n{code}\n")), "{code}");
    }
}

#[test]
fn what_is_made_and_used_at_once_is_left_to_a_person() {
    refused("Environment('a').register(ws)\n", "no name");
    refused("c = ScriptRunConfig('.', environment=Environment('a'))\n", "made and used");
    refused("env = Environment('a'); env.register(ws)\n", "same line");
    refused("if x: env = Environment('a')\n", "another statement's head");
    refused("if (env := Environment('a')):\n    pass\n", "compound");
    refused("env = Environment('a') if x else None\n", "no name");
    refused("env = Environment('a')\nenv.register(ws)\nenv.spark = section\n", "replaced");
    assert!(fixed("def f(env: Environment):\n    env.register(ws)\n").unwrap_err().contains("argument"));
}

#[test]
fn a_section_that_is_replaced_starts_anew() {
    becomes(
        "env = Environment('a')\nenv.spark.precache_packages = False\nenv.spark = SparkSection()\n",
        "env = Environment('a')\nenv.spark.precache_packages = False\nenv.spark = SparkSection()\nenv.spark.precache_packages = False\n",
    );
}

#[test]
fn curated_environments_are_named_and_not_changed() {
    let code = "name = 'azureml-minimal'\nenv = Environment.get(ws, name)\nenv.spark.packages = [p]\n";
    assert_eq!(script(&format!("{V1}{code}")).environments[0].curated.as_deref(), Some("azureml-minimal"));
    refused(code, "Microsoft");
    let copy = "env = Environment.get(ws, name='AzureML-Minimal').clone('x')\n";
    assert!(read(&source(&format!("{V1}{copy}")), Form::Python).is_ok());
    let clone =
        format!("{V1}a = Environment.get(ws, 'AzureML-Minimal')\nenv = a.clone('x')\nenv.spark.packages = [p]\n");
    assert_eq!(fixed_in(&clone, Form::Python, 1).unwrap(), format!("{clone}{OFF}"));
}

#[test]
fn a_copy_of_one_that_has_it_off_has_it_off() {
    let code = format!("{V1}a = Environment('a')\na.spark.precache_packages = False\nenv = a.clone('b')\n");
    assert!(script(&code).environments[1].precache_is_off());
}

#[test]
fn indentation_line_ends_and_the_end_of_the_file_stay() {
    becomes("env = Environment('a')", "env = Environment('a')\nenv.spark.precache_packages = False");
    becomes(
        "def f():\n\tenv = Environment('a')\n\treturn env\n",
        "def f():\n\tenv = Environment('a')\n\tenv.spark.precache_packages = False\n\treturn env\n",
    );
    let crlf = "\u{feff}from azureml.core import Environment\r\nenv = Environment('a')\r\n";
    assert_eq!(fixed_in(crlf, Form::Python, 0).unwrap(), format!("{crlf}env.spark.precache_packages = False\r\n"));
    let bare = "from azureml.core import Environment\r\nenv = Environment('a')";
    assert_eq!(fixed_in(bare, Form::Python, 0).unwrap(), format!("{bare}\r\nenv.spark.precache_packages = False"));
    becomes(
        "env = \\\n    Environment('a')\n",
        "env = \\\n    Environment('a')\nenv.spark.precache_packages = False\n",
    );
    becomes("env = Environment('a'); b = 1;  # c\n", &format!("env = Environment('a'); b = 1;  # c\n{OFF}"));
    becomes("b = 1; env = Environment('a')\n", &format!("b = 1; env = Environment('a')\n{OFF}"));
}

#[test]
fn methods_and_attributes_of_self_are_followed() {
    let code = format!(
        "{V1}class A:\n    def __init__(self):\n        self.env = Environment('a')\n    def go(self):\n        self.env.spark.packages = [p]\n"
    );
    let script = script(&code);
    assert_eq!((script.environments[0].name.as_str(), script.environments[0].adds_packages.len()), ("self.env", 1));
    assert!(
        fixed_in(&code, Form::Python, 0).unwrap().contains("('a')\n        self.env.spark.precache_packages = False\n")
    );
}

#[test]
fn a_text_that_is_no_python_is_refused_with_its_place() {
    let error =
        read(&source(&format!("{V1}env = Environment('a')\nenv.spark.packages = )\n")), Form::Python).unwrap_err();
    assert_eq!(source(&format!("{V1}env = Environment('a')\nenv.spark.packages = )\n")).line(error.offset), 3);
    let lone = read(&source(&format!("{V1}env = Environment('a')\n# spark\renv.register(ws)\n")), Form::Python);
    assert!(lone.unwrap_err().message.contains("carriage return"));
}

#[test]
fn comments_are_found() {
    let text = format!("{V1}# one\nenv = Environment('a')  # two\n");
    let script = script(&text);
    assert_eq!(
        script.comments.iter().map(|span| source(&text).slice(*span).to_owned()).collect::<Vec<_>>(),
        ["# one", "# two"]
    );
    assert_eq!(script.statement(1).map(|span| source(&text).slice(span).to_owned()).unwrap(), "env = Environment('a')");
}

#[test]
fn the_proof_refuses_what_is_not_meant() {
    let text = format!("{V1}env = Environment('a')  # c\nif x:\n    y = 1\nelse:\n    z = 2\n");
    let before = source(&text);
    let script = script(&text);
    let (_, changes) = script.precache_off(&before, 0).unwrap();
    let changes: Vec<_> = changes.iter().collect();
    let good = text.replace("# c\n", &format!("# c\n{OFF}"));
    let proof = |after: &str| check(&before, &source(after), Form::Python, &changes);
    assert_eq!(proof(&good), Ok(()));
    for bad in [
        text.clone(),
        good.replace("False", "True"),
        good.replace("# c", "# d"),
        good.replace("  # c\n", "\n").replace("= False\n", "= False  # c\n"),
        good.replace("y = 1", "y = 2"),
        good.replace("    y = 1\nelse:\n    z = 2\n", "    y = 1\n    z = 2\nelse:\n    pass\n"),
        good.replace("env.spark", "env.sparks"),
        good.replace(OFF, &format!("{OFF}{OFF}")),
        text.replace("else:\n", &format!("    {OFF}else:\n")),
    ] {
        assert!(proof(&bad).is_err(), "{bad}");
    }
}

#[test]
fn hostile_texts_end_in_a_result_or_an_error() {
    let head = format!("{V1}env = Environment('a')\nenv.spark.packages = [p]\n");
    let deep_if: String = (0..150).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect::<String>()
        + &" ".repeat(150)
        + "y = 1\n";
    let cases = [
        ("(".repeat(100_000), false),
        (format!("x = {}1{}\n", "(".repeat(100_000), ")".repeat(100_000)), false),
        (format!("x = {}1\n", "1 + ".repeat(20_000)), true),
        (format!("x = a{}\n", ".b".repeat(20_000)), true),
        (format!("x = a{}\n", "()".repeat(20_000)), true),
        (format!("x = {}1\n", "1 if a else ".repeat(20_000)), true),
        (format!("{}1\n", "x = ".repeat(20_000)), true),
        (format!("if a:\n    pass\n{}", "elif a:\n    env.b = 1\n".repeat(5_000)), true),
        (deep_if, false),
        ("env = Environment('a')\n".repeat(5_000), true),
        ("if a:\n  env = Environment('a')\n".repeat(5_000), true),
        ("\"\"\"".to_owned(), false),
        ("\\".to_owned(), false),
        ("x = f\"{".repeat(300), false),
    ];
    for (text, good) in cases {
        let result = read(&source(&format!("{head}{text}")), Form::Python);
        assert_eq!(result.is_ok(), good, "{:.60} {:?}", text, result.err());
    }
    let large = format!("{head}# {}\n", "x".repeat(MAX_PYTHON));
    assert!(read(&source(&large), Form::Python).unwrap_err().message.contains("larger than 8 MB"));
}

#[test]
fn comments_within_the_next_statement_move_with_it() {
    for next in
        ["x = [\n    1,  # c\n    # d\n]\n", "x = f(  # c\n    1\n)  # e\n# g\n", "if a:  # c\n    # d\n    y = 1\n"]
    {
        becomes(
            &format!("env = Environment('a')\nenv.spark.packages = [p]\n{next}"),
            &format!("env = Environment('a')\nenv.spark.packages = [p]\n{OFF}{next}"),
        );
    }
}

#[test]
fn long_texts_take_time_that_grows_with_them() {
    let head = format!("{V1}env = Environment('a')\nenv.spark.packages = [p]\n");
    let start = std::time::Instant::now();
    for text in [
        format!("x = f(){}\n", ".b".repeat(16_000)),
        format!("x = f(){}\n", ".b()".repeat(16_000)),
        format!("x = (1).b{}\n", ".c".repeat(16_000)),
        "# c\n".repeat(16_000),
        (0..16_000).map(|number| format!("e = env.clone('{number}')\n")).collect(),
    ] {
        let text = format!("{head}{text}");
        let count = read(&source(&text), Form::Python).unwrap().unwrap().comments.len();
        assert_eq!(count, text.matches('#').count());
        fixed_in(&text, Form::Python, 0).unwrap();
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

/// How many environments are not off after every one was fixed, one after the other, and the text.
fn all_fixed(code: &str) -> (usize, String) {
    let mut text = format!("{V1}{code}");
    let count = script(&text).environments.len();
    let mut open = 0;
    for object in 0..count {
        match fixed_in(&text, Form::Python, object) {
            Ok(after) => text = after,
            Err(_) => open += 1,
        }
    }
    (open, text.strip_prefix(V1).unwrap().to_owned())
}

#[test]
fn nothing_is_set_on_what_may_be_none() {
    for made in [
        "def find(ws) -> Optional[Environment]:\n    pass\nenv = find(ws)\nif env is None:\n    env = Environment('x')\n",
        "env: Optional[Environment] = d.get('x')\nif env is None:\n    env = Environment('x')\n",
        "def find(ws) -> 'Environment | None':\n    pass\nenv = find(ws)\nif env:\n    pass\n",
    ] {
        let code = format!("{made}env.spark.packages = [p]\nenv.register(ws)\n");
        let (_, after) = all_fixed(&code);
        assert!(!after.contains(&format!("(ws)\n{OFF}if")) && !after.contains(&format!("('x')\n{OFF}if")), "{after}");
    }
    let found = "def find(ws) -> Environment:\n    pass\nenv = find(ws)\n";
    refused(&format!("{found}if env:\n    env.spark.packages = [p]\n"), "something else or `None`");
    let adds = "env.spark.packages = [p]\n";
    becomes(&format!("{found}{adds}env.register(ws)\n"), &format!("{found}{adds}{OFF}env.register(ws)\n"));
}

#[test]
fn a_field_of_a_class_is_no_place_for_a_statement() {
    refused(
        "class T:\n    env: Environment = field(default_factory=make)\n    def go(self):\n        self.env.spark.packages = [p]\n",
        "something else or `None`",
    );
}

#[test]
fn methods_of_what_is_just_made_are_followed() {
    for made in [
        "Environment.get(ws, 'AzureML-x').clone('mine')",
        "Environment.from_pip_requirements('a', 'r.txt').clone('b')",
        "(Environment('a')).clone('b')",
        "Environment('a').register(ws)",
    ] {
        let code = format!("{V1}env = {made}\nenv.spark.packages = [p]\nenv.register(ws)\n");
        let found = script(&code);
        let last = found.environments.last().unwrap();
        assert_eq!((last.name.as_str(), last.adds_packages.len()), ("env", 1), "{made}");
        let after = fixed_in(&code, Form::Python, found.environments.len() - 1).unwrap();
        assert_eq!(after, code.replace("[p]\n", &format!("[p]\n{OFF}")));
    }
    let section = script(&format!("{V1}Environment('a').spark.packages.append(p)\n"));
    assert_eq!(section.environments[0].adds_packages.len(), 1);
}

#[test]
fn a_statement_that_may_be_left_out_is_not_counted_on() {
    let adds = "env = Environment('a')\n    env.spark.packages = [p]\n    ";
    for (head, tail) in [
        ("while True:\n    ", "if c: break\n    env.spark.repositories = []\n"),
        ("while True:\n    ", "if c:\n        break\n    env.spark.precache_packages = False\n"),
        ("for v in vs:\n    ", "if c:\n        continue\n    env.spark.precache_packages = False\n"),
        ("try:\n    ", "may_raise()\n    env.spark.repositories = []\nexcept E:\n    pass\n"),
        ("try:\n    ", "may_raise()\n    env.spark.precache_packages = False\nexcept E:\n    pass\n"),
        ("def f():\n    ", "if c:\n        raise E\n    env.spark.precache_packages = False\n"),
    ] {
        let use_it = if head.starts_with("def") { "" } else { "env.register(ws)\n" };
        let expected = format!("{head}{adds}{OFF}    {tail}{use_it}");
        becomes(&format!("{head}{adds}{tail}{use_it}"), &expected);
    }
    // Nothing behind the `try` uses it.
    let inner = "try:\n    env = Environment('a')\n    env.spark.packages = [p]\n    f()\n    env.spark.precache_packages = False\n    env.register(ws)\nexcept E:\n    pass\n";
    becomes(inner, inner);
    let shortcut = "env = Environment('a')\nenv.spark.packages = [p]\n";
    for set in [
        "ws and setattr(env.spark, 'precache_packages', False)\n",
        "f = lambda: setattr(env.spark, 'precache_packages', False)\n",
    ] {
        becomes(&format!("{shortcut}{set}"), &format!("{shortcut}{OFF}{set}"));
    }
}

#[test]
fn the_next_round_of_a_loop_finds_what_this_one_made() {
    let (open, after) = all_fixed(
        "env = Environment('a')\nfor v in vs:\n    env.spark.packages = [p]\n    env.register(ws)\n    env = Environment(v)\n",
    );
    assert_eq!(open, 0);
    assert_eq!(
        after,
        format!(
            "env = Environment('a')\n{OFF}for v in vs:\n    env.spark.packages = [p]\n    env.register(ws)\n    env = Environment(v)\n    {OFF}"
        )
    );
    let plain = "for v in vs:\n    env = Environment(v)\n    env.spark.packages = [p]\n";
    becomes(&format!("{plain}    env.register(ws)\n"), &format!("{plain}    {OFF}    env.register(ws)\n"));
}

#[test]
fn a_function_that_uses_it_may_be_called_in_between() {
    let code = "env = Environment('a')\nenv.spark.packages = [p]\n";
    let function = "def reg():\n    env.register(ws)\n";
    becomes(&format!("{code}{function}reg()\n{OFF}"), &format!("{code}{OFF}{function}reg()\n{OFF}"));
    let late = format!("{code}x = 1\n{OFF}{function}");
    becomes(&late, &late);
}

#[test]
fn a_type_that_is_not_certain_is_not_counted_on() {
    let (_, after) = all_fixed("a = Environment('a') if x else None\nc = a.clone('x')\nc.register(ws)\n");
    assert!(!after.contains("c.spark"), "{after}");
    for code in [
        "async def mk() -> Environment:\n    pass\nenv = mk()\n",
        "@contextmanager\ndef mk() -> Environment:\n    pass\nenv = mk()\n",
        "class Fake:\n    pass\nenv: Environment = Fake()\n",
    ] {
        assert!(names(&format!("{V1}{code}")).is_empty(), "{code}");
    }
    let awaited = "async def mk() -> Environment:\n    pass\nasync def go():\n    env = await mk()\n";
    assert_eq!(names(&format!("{V1}{awaited}")), ["env"]);
    let switched = "def sw():\n    global env\n    env = W()\nenv = Environment('a')\nsw()\nenv.spark.packages = [p]\n";
    becomes(switched, &switched.replace("('a')\n", &format!("('a')\n{OFF}")));
}

#[test]
fn a_statement_that_only_reads_is_no_place() {
    let code = "env = Environment('a')\nenv.spark.packages = [p]\n";
    for read in ["print(env.spark.packages)\n", "assert env.spark.packages\n", "del env.spark.packages[0]\n"] {
        becomes(&format!("{code}{read}env.register(ws)\n"), &format!("{code}{OFF}{read}env.register(ws)\n"));
    }
}

#[test]
fn one_statement_does_for_what_several_branches_make() {
    let code = "if g:\n    env = Environment('g')\nelse:\n    env = Environment('c')\nenv.spark.packages = [p]\n";
    becomes(&format!("{code}env.register(ws)\n"), &format!("{code}{OFF}env.register(ws)\n"));
    let text = format!("{V1}{code}env.register(ws)\n");
    assert_eq!(script(&text).precache_off(&source(&text), 1), Ok((Vec::new(), Vec::new())));
}

#[test]
fn a_value_is_flipped_wherever_it_is_a_plain_one() {
    for (value, off) in [(": bool = True", ": bool = False"), (" = (True)", " = (False)"), (" = None", " = False")] {
        let code = |value: &str| {
            format!("env = Environment('a')\nenv.spark.packages = [p]\nenv.spark.precache_packages{value}\n")
        };
        becomes(&code(value), &code(off));
    }
}

#[test]
fn a_value_that_is_set_on_either_of_two_is_flipped_once() {
    let code = "if g:\n    env = Environment('g')\nelse:\n    env = Environment('c')\nenv.spark.packages = [p]\nenv.spark.precache_packages = True\n";
    becomes(code, &code.replace("True", "False"));
    let text = format!("{V1}{code}");
    assert_eq!(script(&text).precache_off(&source(&text), 1), Ok((Vec::new(), Vec::new())));
}
