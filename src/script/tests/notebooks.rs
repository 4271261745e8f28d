use super::*;

fn notebook(cells: &str) -> String {
    format!(
        "{{\n \"cells\": [\n{cells}\n ],\n \"metadata\": {{\"kernelspec\": {{\"language\": \"python\"}}}},\n \"nbformat\": 4,\n \"nbformat_minor\": 2\n}}\n"
    )
}

fn code_cell(source: &str) -> String {
    format!(
        "  {{\n   \"cell_type\": \"code\",\n   \"execution_count\": 1,\n   \"metadata\": {{}},\n   \"outputs\": [{{\"text\": [\"Environment\\u0020\"]}}],\n   \"source\": {source}\n  }}"
    )
}

const IMPORT: &str = "[\"from azureml.core import Environment\\n\", \"spark = 1\"]";

#[test]
fn a_notebook_gets_a_new_item_in_its_cell() {
    let cell = |lines: &str| notebook(&[code_cell(IMPORT), code_cell(lines)].join(",\n"));
    let cases = [
        (
            "[\n    \"env = Environment('a')\"\n   ]",
            "[\n    \"env = Environment('a')\\n\",\n    \"env.spark.precache_packages = False\"\n   ]",
        ),
        (
            "[\n    \"env = Environment(\\\"\\u00e4\\\")\\n\",\n    \"env.register(ws)\"\n   ]",
            "[\n    \"env = Environment(\\\"\\u00e4\\\")\\n\",\n    \"env.spark.precache_packages = False\\n\",\n    \"env.register(ws)\"\n   ]",
        ),
        (
            "[\"x = 1\\n\", \"env = Environment('a')\"]",
            "[\"x = 1\\n\", \"env = Environment('a')\\n\", \"env.spark.precache_packages = False\"]",
        ),
        (
            "\"env = Environment('a')\\nenv.register(ws)\"",
            "\"env = Environment('a')\\nenv.spark.precache_packages = False\\nenv.register(ws)\"",
        ),
        (
            "[\"env = Environment('a')\\nx = 1\\n\"]",
            "[\"env = Environment('a')\\nenv.spark.precache_packages = False\\nx = 1\\n\"]",
        ),
        (
            "[\"env = Environment('a')\\r\\n\", \"x = 1\"]",
            "[\"env = Environment('a')\\r\\n\", \"env.spark.precache_packages = False\\r\\n\", \"x = 1\"]",
        ),
        (
            "[\"env = Environment('a')\\n\", \"env.spark.precache_packages = True\"]",
            "[\"env = Environment('a')\\n\", \"env.spark.precache_packages = False\"]",
        ),
    ];
    for (before, after) in cases {
        assert_eq!(fixed_in(&cell(before), Form::Notebook, 0).as_deref(), Ok(cell(after).as_str()));
    }
}

#[test]
fn lines_of_ipython_are_no_obstacle() {
    let lines = [
        "%matplotlib inline",
        "!pip install 'x",
        "files = !ls (",
        "?env",
        "env??",
        "env = Environment('a')",
        "%time x = 1",
        "if x:",
        "    !echo it's",
        "y = (1",
        "% 2)",
        "z = '''",
        "%no magic",
        "'''",
        "!a \\",
        "  b (",
        "w = 1",
    ];
    let source = serde_json::to_string(&lines.map(|line| format!("{line}\n"))).unwrap();
    let text =
        notebook(&[code_cell(IMPORT), code_cell("\"%%bash\\nif [ -f x ; (\\n\""), code_cell(&source)].join(",\n"));
    let after = fixed_in(&text, Form::Notebook, 0).unwrap();
    assert!(after.contains("\"env = Environment('a')\\n\",\"env.spark.precache_packages = False\\n\","), "{after}");
}

#[test]
fn a_cell_that_is_no_python_matters_when_it_names_an_environment() {
    let with = |cell: &str| {
        notebook(&[code_cell(IMPORT), code_cell("\"env = Environment('a')\""), code_cell(cell)].join(",\n"))
    };
    assert!(fixed_in(&with("\"f(x y)\""), Form::Notebook, 0).is_ok());
    assert!(fixed_in(&with("\"f(env y)\""), Form::Notebook, 0).unwrap_err().contains("not understood"));
}

#[test]
fn cells_are_one_program_and_the_edit_goes_into_the_right_one() {
    let text = notebook(
        &[
            code_cell(IMPORT),
            code_cell("[]"),
            code_cell("\"env = Environment('a')\""),
            code_cell("[\"env.spark.packages = [p]\"]"),
            code_cell("\"env.register(ws)\""),
        ]
        .join(",\n"),
    );
    let after = fixed_in(&text, Form::Notebook, 0).unwrap();
    assert!(after.contains("[\"env.spark.packages = [p]\\n\", \"env.spark.precache_packages = False\"]"), "{after}");
}

#[test]
fn a_notebook_that_is_none_is_refused_with_the_reason() {
    let fails = |text: &str| read(&source(text), Form::Notebook).unwrap_err();
    let word = "\"azureml Environment spark\"";
    let good = notebook(&code_cell(word));
    assert!(fails(&good.replace("\"nbformat\"", "// c\n\"nbformat\"")).message.contains("comment"));
    let comma = good.replace("\"nbformat_minor\": 2", "\"nbformat_minor\": 2,");
    assert!(fails(&comma).message.contains("comma behind the last"), "{}", fails(&comma));
    assert_eq!(
        source(&good.replace("\"outputs\"", "outputs")).line(fails(&good.replace("\"outputs\"", "outputs")).offset),
        7
    );
    assert!(fails(&format!("{{\"worksheets\": [{word}]}}")).message.contains("format 3"));
    assert!(fails(&format!("[{word}]")).message.contains("no JSON object"));
    assert!(fails(&format!("{}{word}", "[".repeat(100_000))).message.contains("no valid JSON"));
    for raw in ["a\tb", "a\u{1}b", "\\\"a\nb"] {
        let text = good.replace("azureml Env", &format!("{raw} azureml Env"));
        assert!(fails(&text).message.contains("control character"), "{text}");
        assert_eq!(text.as_bytes()[fails(&text).offset], raw.bytes().find(u8::is_ascii_control).unwrap());
    }
    for blank in ["\u{b}", "\u{c}", "\u{a0}", "\u{2003}"] {
        let text = good.replace("\"nbformat\"", &format!("{blank}\"nbformat\""));
        assert!(
            fails(&text).message.contains("a blank that JSON does not have")
                && text[fails(&text).offset..].starts_with(blank),
            "{}",
            fails(&text)
        );
    }
}

#[test]
fn a_kernel_of_another_language_is_left_alone() {
    let text = notebook(&[code_cell(IMPORT), code_cell("\"env = Environment('a')\"")].join(",\n"));
    assert!(read(&source(&text), Form::Notebook).unwrap().is_some());
    assert!(read(&source(&text.replace("\"python\"", "\"R\"")), Form::Notebook).unwrap().is_none());
}

#[test]
fn what_a_magic_runs_in_the_notebook_is_read() {
    let fix = |cells: &[&str]| {
        let cells: Vec<String> = [IMPORT].iter().chain(cells).map(|cell| code_cell(cell)).collect();
        fixed_in(&notebook(&cells.join(",\n")), Form::Notebook, 0)
    };
    let (make, adds) = ("\"env = Environment('a')\"", "\"env.spark.packages = [p]\"");
    let after = fix(&[make, adds, "\"%time env.register(ws)\"", "\"env.spark.precache_packages = False\""]).unwrap();
    assert_eq!(after.matches("precache_packages").count(), 2, "{after}");
    let after = fix(&["\"%time env = Environment('a')\"", adds]).unwrap();
    assert!(after.contains("[p]\\nenv.spark.precache_packages = False") || after.contains("[p]\\n\""), "{after}");
    let after = fix(&[make, adds, "\"%%python3\\nenv.spark.precache_packages = False\""]).unwrap();
    assert_eq!(after.matches("precache_packages").count(), 2, "another process: {after}");
    assert!(fix(&[make, "\"%time for x in y: print(x)\"", adds]).is_ok());
}

#[test]
fn a_lone_surrogate_in_an_output_harms_nothing() {
    let text = notebook(&[code_cell(IMPORT), code_cell("\"env = Environment('a')\"")].join(",\n"));
    let odd = text.replacen("Environment\\u0020", "\\ud83d \\\\ud83d \\ud83d\\ude00", 1);
    assert_ne!(odd, text);
    assert!(fixed_in(&odd, Form::Notebook, 0).unwrap().contains("[\"\\ud83d \\\\ud83d \\ud83d\\ude00\"]"));
    let source = text.replace("'a'", "'\\ud83d'");
    let error = read(&super::tests::source(&source), Form::Notebook).unwrap_err();
    assert!(error.message.contains("escape"), "{error}");
}
