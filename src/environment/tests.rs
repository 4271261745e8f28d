//! Tests of reading and changing conda environments.

use std::time::{Duration, Instant};

use crate::change::{Change, Scalar, Step};
use crate::edit::{Edit, apply};
use crate::source::{Source, Span};

use super::conda::{CondaEnvironment, Dependency};
use super::document::{Document, Style, Syntax};
use super::match_spec::Minor;
use super::values;

fn read(text: &str) -> CondaEnvironment {
    CondaEnvironment::parse(&Source::from_text("environment.yml", text)).unwrap().unwrap()
}

fn refused(text: &str) -> String {
    CondaEnvironment::parse(&Source::from_text("environment.yml", text)).unwrap_err().to_string()
}

/// Applies edits and checks what every edit must keep: the expected values, and all comments.
fn edited(text: &str, edits: Result<Vec<Edit>, String>, change: &Change) -> String {
    let after = apply(text, &edits.unwrap()).unwrap();
    let value = |text: &str| values::read(text, Syntax::Yaml).unwrap();
    assert!(values::same(&value(&after), &values::apply(value(text), &[change]).unwrap()), "{after}");
    let comments = |text: &str| {
        let document = Document::read(text, Syntax::Yaml).unwrap();
        document.comment_texts(text).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(comments(&after), comments(text), "{after}");
    after
}

fn inserted(before: usize, spec: &str) -> Change {
    let path = vec![Step::Key("dependencies".to_owned())];
    Change::InsertItem { path, before, value: Scalar::Text(spec.to_owned()) }
}

fn before_pip(text: &str) -> String {
    let environment = read(text);
    let (index, _) = environment.pip_maps().next().unwrap();
    edited(text, environment.insert_before(index, "pip=24.0"), &inserted(index, "pip=24.0"))
}

fn at_end(text: &str) -> String {
    edited(text, read(text).insert_at_end("pip=24.0"), &inserted(usize::MAX, "pip=24.0"))
}

fn appended(text: &str) -> String {
    let environment = read(text);
    edited(text, environment.append("setuptools"), &inserted(environment.append_index(), "setuptools"))
}

fn replaced(text: &str, index: usize, spec: &str) -> String {
    let path = vec![Step::Key("dependencies".to_owned()), Step::Item(index)];
    edited(
        text,
        read(text).replace_scalar(index, spec),
        &Change::SetValue { path, value: Scalar::Text(spec.to_owned()) },
    )
}

#[test]
fn a_list_ends_behind_the_last_dash_also_where_its_items_are_left_out() {
    let span = |text: &str| {
        let document = Document::read(text, Syntax::Yaml).unwrap();
        let list = document.get(document.root().unwrap(), "a").unwrap().1;
        let span = document.node(list).span;
        for item in document.items(list).unwrap() {
            let item = document.node(*item).span;
            assert!(item.is_empty() || span.contains(item), "{text:?}: {item:?} is outside of {span:?}");
        }
        text[span.start..span.end].to_owned()
    };
    // Where a list is not indented, the parser begins it behind its first dash.
    assert_eq!(span("a:\n- b\n-\nc: d\n"), "b\n-");
    assert_eq!(span("a:\n  - b\n  -\nc: d\n"), "- b\n  -");
    assert_eq!(
        span("a:\n  - b # one\n# two - three\n  - # four\n  -\n# five\n"),
        "- b # one\n# two - three\n  - # four\n  -"
    );
    assert_eq!(span("a:\n  -\n  - b\n  -\n"), "-\n  - b\n  -");
    assert_eq!(span("a:\n  -\n  -\nc: -d\n"), "-\n  -");
    assert_eq!(span("a:\n  -\nc: -d\n"), "-");
}

#[test]
fn every_part_of_an_environment_has_its_place() {
    let text = "name: e\nchannels:\n- 'conda-forge' # c\ndependencies:\n  - python = 3.8   # why\n  # own\n  -   \"pip=\\x324\"\n  - pip: # list\n    # inner\n    - a[x]>=1\n    - 'b'\n";
    let environment = read(text);
    let slice = |span: Span| &text[span.start..span.end];
    assert_eq!(environment.name.as_deref(), Some("e"));
    assert_eq!(environment.channels[0].name, "conda-forge");
    assert_eq!(slice(environment.channels[0].span), "'conda-forge'");
    assert_eq!(environment.python_minor(), Minor::Pinned(3, 8));
    let python = environment.dependencies[0].spec().unwrap();
    assert_eq!((slice(python.span), slice(python.item)), ("python = 3.8", "- python = 3.8"));
    assert_eq!(slice(python.comment.unwrap()), "# why");
    let pip = environment.dependencies[1].spec().unwrap();
    assert_eq!((pip.spec.text.as_str(), slice(pip.span)), ("pip=24", "\"pip=\\x324\""));
    assert_eq!((slice(pip.item), pip.style), ("-   \"pip=\\x324\"", Style::Double));
    assert_eq!(slice(environment.comment_above(1).unwrap()), "# own");
    let (_, map) = environment.pip_maps().next().unwrap();
    assert_eq!(slice(map.item), "- pip: # list\n    # inner\n    - a[x]>=1\n    - 'b'");
    assert_eq!((slice(map.key), slice(map.comment.unwrap())), ("pip", "# list"));
    let items: Vec<_> = map.items.iter().map(|item| (item.text.as_str(), slice(item.span))).collect();
    assert_eq!(items, [("a[x]>=1", "a[x]>=1"), ("b", "'b'")]);
}

#[test]
fn yaml_without_a_list_of_dependencies_is_no_environment() {
    for text in [
        "",
        "# only a comment\n",
        "a: 1\n",
        "dependencies: x\n",
        "dependencies:\n",
        "- a\n",
        "x: {dependencies: [a]}\n",
    ] {
        assert!(CondaEnvironment::parse(&Source::from_text("f", text)).unwrap().is_none(), "{text}");
    }
}

#[test]
fn bom_crlf_markers_tags_and_a_missing_newline_are_read() {
    let text = "\u{feff}---\r\nname: x\r\ndependencies:\r\n- !!str python=3.9\r\n- pip:\r\n  - a";
    let environment = read(text);
    assert_eq!(environment.python_minor(), Minor::Pinned(3, 9));
    assert_eq!(
        before_pip(text),
        "\u{feff}---\r\nname: x\r\ndependencies:\r\n- !!str python=3.9\r\n- pip=24.0\r\n- pip:\r\n  - a"
    );
    assert!(at_end(text).ends_with("- pip:\r\n  - a\r\n- pip=24.0"));
}

#[test]
fn a_template_in_place_of_an_item_is_something_else_and_a_template_in_a_scalar_is_text() {
    let environment = read("dependencies:\n- {{ python }}\n- pip:\n  - azureml-core=={{latest-pypi-version}}\n");
    assert!(matches!(environment.dependencies[0], Dependency::Other { item } if item == Span::new(14, 28)));
    assert_eq!(environment.pip_maps().next().unwrap().1.items[0].text, "azureml-core=={{latest-pypi-version}}");
    assert!(refused("dependencies:\n{% if x %}\n- a\n").contains("template"));
}

#[test]
fn items_that_are_no_text_are_neither_packages_nor_an_error() {
    let text = "dependencies:\n- 3.8\n-\n- [a, b]\n- python: 3.8\n- pip:\n- |\n  pip\n- a\n";
    let environment = read(text);
    let items: Vec<_> = environment.dependencies.iter().map(|d| &text[d.item().start..d.item().end]).collect();
    assert_eq!(items, ["- 3.8", "-", "- [a, b]", "- python: 3.8", "- pip:", "- |\n  pip\n", "- a"]);
    assert_eq!(environment.specs().map(|(index, _)| index).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(environment.pip_maps().count(), 1);
}

#[test]
fn pip_is_inserted_in_the_indent_of_its_neighbours() {
    assert_eq!(
        before_pip("dependencies:\n  -  python=3.8\n  - pip:\n    - a\n"),
        "dependencies:\n  -  python=3.8\n  -  pip=24.0\n  - pip:\n    - a\n"
    );
    assert_eq!(before_pip("dependencies:\n- pip:\n  - a"), "dependencies:\n- pip=24.0\n- pip:\n  - a");
}

#[test]
fn pip_is_quoted_where_every_package_is() {
    assert!(before_pip("dependencies:\n- 'a'\n- 'b'\n- pip: [c]\n").contains("\n- 'pip=24.0'\n"));
    assert!(before_pip("dependencies:\n- \"a>1\"\n- b\n- pip: [c]\n").contains("\n- pip=24.0\n"));
}

#[test]
fn a_comment_above_the_pip_map_stays_with_it() {
    assert_eq!(
        before_pip("dependencies:\n- python=3.8\n# from PyPI\n# all of it\n- pip:\n  - a\n"),
        "dependencies:\n- python=3.8\n- pip=24.0\n# from PyPI\n# all of it\n- pip:\n  - a\n"
    );
    assert_eq!(
        before_pip("dependencies:\n# from PyPI\n- pip:\n  - a\n"),
        "dependencies:\n- pip=24.0\n# from PyPI\n- pip:\n  - a\n"
    );
    assert_eq!(
        before_pip("dependencies:\n- a # x\n  # deeper\n- pip: # y\n  - a\n"),
        "dependencies:\n- a # x\n- pip=24.0\n  # deeper\n- pip: # y\n  - a\n"
    );
}

#[test]
fn a_blank_line_above_the_pip_map_keeps_parting_the_groups() {
    assert_eq!(
        before_pip("dependencies:\n- a\n\n\n# from PyPI\n- pip:\n  - b\n"),
        "dependencies:\n- a\n- pip=24.0\n\n\n# from PyPI\n- pip:\n  - b\n"
    );
    // Under a comment that speaks of something else the new item would seem to be what it means.
    assert_eq!(
        before_pip("dependencies:\n- a\n# cython was here\n\n- pip:\n  - b\n"),
        "dependencies:\n- a\n# cython was here\n\n- pip=24.0\n- pip:\n  - b\n"
    );
    assert_eq!(before_pip("dependencies:\n\n- pip:\n  - b\n"), "dependencies:\n\n- pip=24.0\n- pip:\n  - b\n");
}

#[test]
fn blank_lines_that_are_part_of_a_text_are_not_cut() {
    before_pip("dependencies:\n- |+\n  a\n\n- pip:\n  - b\n");
}

#[test]
fn flow_lists_stay_flow_lists() {
    assert_eq!(
        before_pip("dependencies: [python=3.9, {pip: [a, b]}] # c\n"),
        "dependencies: [python=3.9, pip=24.0, {pip: [a, b]}] # c\n"
    );
    assert_eq!(before_pip("dependencies: [python=3.9,pip: [a]]"), "dependencies: [python=3.9,pip=24.0,pip: [a]]");
    assert_eq!(at_end("dependencies: [a]\n"), "dependencies: [a, pip=24.0]\n");
    assert_eq!(at_end("dependencies: [a, ]\n"), "dependencies: [a, pip=24.0 ]\n");
    assert_eq!(at_end("dependencies: []\n"), "dependencies: [pip=24.0]\n");
    assert_eq!(
        before_pip("dependencies: [\n  a,\n  # c\n  {pip: [b]}\n]\n"),
        "dependencies: [\n  a,\n  pip=24.0,\n  # c\n  {pip: [b]}\n]\n"
    );
    assert_eq!(at_end("dependencies: [\n  a # c\n]\n"), "dependencies: [\n  a, # c\n  pip=24.0\n]\n");
    assert_eq!(at_end("dependencies: [\n  a, # c\n]\n"), "dependencies: [\n  a, # c\n  pip=24.0,\n]\n");
    assert_eq!(replaced("dependencies: [pip, b]\n", 0, "pip>=24,<25"), "dependencies: [\"pip>=24,<25\", b]\n");
}

#[test]
fn an_item_at_the_end_goes_below_the_comments_of_the_last() {
    assert_eq!(at_end("dependencies:\n- a # c\n# d\nx: 1\n"), "dependencies:\n- a # c\n- pip=24.0\n# d\nx: 1\n");
    assert_eq!(
        at_end("dependencies:\n- pip:\n  - a\n  # - b\nprefix: x\n"),
        "dependencies:\n- pip:\n  - a\n  # - b\n- pip=24.0\nprefix: x\n"
    );
    assert_eq!(at_end("dependencies:\n- a"), "dependencies:\n- a\n- pip=24.0");
    assert_eq!(at_end("dependencies:\n- pip:\n  - a\n  # b"), "dependencies:\n- pip:\n  - a\n  # b\n- pip=24.0");
}

#[test]
fn an_appended_package_joins_the_packages() {
    assert_eq!(appended("dependencies:\n- a\n- pip:\n  - b\n"), "dependencies:\n- a\n- setuptools\n- pip:\n  - b\n");
    assert_eq!(
        appended("dependencies:\n- pip:\n  - b\n- a\nx: 1\n"),
        "dependencies:\n- pip:\n  - b\n- a\n- setuptools\nx: 1\n"
    );
}

#[test]
fn a_replaced_scalar_keeps_its_quotes_and_its_comment() {
    assert_eq!(
        replaced("dependencies:\n-   pip   # c\n- a", 0, "pip=26.1.2"),
        "dependencies:\n-   pip=26.1.2   # c\n- a"
    );
    assert_eq!(replaced("dependencies:\n- 'pip'\n", 0, "pip=26.1.2"), "dependencies:\n- 'pip=26.1.2'\n");
    assert_eq!(replaced("dependencies:\n- \"pip\" # c", 0, "pip=26"), "dependencies:\n- \"pip=26\" # c");
    assert_eq!(replaced("dependencies:\n- pip\n", 0, "a[b='c']"), "dependencies:\n- \"a[b='c']\"\n");
}

#[test]
fn what_may_mean_something_elsewhere_is_not_edited() {
    let aliased = read("x: &d\n- a\n- pip\ndependencies: *d\n");
    assert_eq!(aliased.specs().count(), 2);
    assert!(aliased.insert_before(0, "b").unwrap_err().contains("alias"));
    assert!(aliased.replace_scalar(0, "b").is_err() && aliased.insert_at_end("b").is_err());
    let anchored = read("dependencies: &d\n- a\ny: *d\n");
    assert!(anchored.append("b").unwrap_err().contains("anchor"));
    let item = read("dependencies:\n- &p pip\n- *p\n- a\n");
    assert!(item.replace_scalar(0, "b").is_err() && item.replace_scalar(1, "b").is_err());
    assert!(item.replace_scalar(2, "b").is_ok() && item.replace_scalar(9, "b").is_err());
    let lone = read("dependencies:\n- a # x\r- b\n- c\n");
    assert_eq!(lone.specs().count(), 3);
    assert!(lone.insert_before(2, "b").unwrap_err().contains("carriage return"));
    let folded = read("dependencies:\n- a\n  b\n- >\n  c\n");
    assert!(folded.replace_scalar(0, "b").is_err() && folded.replace_scalar(1, "b").is_err());
}

#[test]
fn faulty_yaml_is_refused_with_its_place_and_reason() {
    for (text, place, reason) in [
        ("dependencies:\n- a\n---\ndependencies:\n- b\n", "line 3, column 1:", "second document"),
        ("dependencies:\n- a\ndependencies:\n- b\n", "line 3, column 1:", "`dependencies` stands twice"),
        ("dependencies:\n\t- a\n", "line 2, column", "tab"),
        ("dependencies:\n- 'a\n- b\n", "line 3, column 1:", "quote"),
        ("dependencies:\n- \"a\n", "line", "quote"),
        ("dependencies:\n- *x\n", "line 2, column 3:", "anchor"),
        ("dependencies: [a, b\n", "line", ""),
        ("é: 1\ndependencies:\n- é: b: c\n", "line 3, column 7:", ""),
    ] {
        let error = refused(text);
        assert!(error.starts_with(place) && error.contains(reason), "{text}: {error}");
    }
}

/// Every hostile text ends in an error or a result at once: no abort, no stack overflow, no long
/// computation. The limit is generous for an unoptimized build.
#[test]
fn hostile_input_is_answered_at_once() {
    let many = 100_000;
    let laughs: String =
        (1..30).map(|i| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(","))).collect();
    let texts = [
        format!("dependencies: {}1{}", "{a: ".repeat(many), "}".repeat(many)),
        format!("dependencies: {}", "{".repeat(many)),
        format!("dependencies: {}", "[".repeat(many)),
        format!("dependencies:\n{}", "- ".repeat(many)),
        "? ".repeat(many),
        (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        format!("a0: &a0 [x]\n{laughs}dependencies: *a29\n"),
        format!("dependencies:\n{}", "- [\n".repeat(many)),
        format!("dependencies:\n- {} a\n", "!".repeat(many)),
        format!("dependencies:\n{}", "- a\n".repeat(600_000)),
        format!("dependencies: [{}]\n", "a: b,".repeat(many)),
        "---\n".repeat(many),
    ];
    for text in texts {
        let start = Instant::now();
        let result = CondaEnvironment::parse(&Source::from_text("f", &text));
        let head: String = text.chars().take(40).collect();
        assert!(start.elapsed() < Duration::from_secs(20), "{head}: {:?}", start.elapsed());
        if let Err(error) = result {
            assert!(error.line > 0 && error.column > 0 && error.message.len() < 300, "{head}: {error}");
        }
    }
    let huge = format!("dependencies:\n{}", "- package=1.0\n".repeat(100_000_000 / 14));
    assert!(Document::read(&huge, Syntax::Yaml).unwrap_err().message.contains("bytes"));
}

#[test]
fn two_byte_order_marks_are_refused() {
    assert!(refused("\u{feff}\u{feff}dependencies:\n- pip\n").contains("two byte order marks"));
}
