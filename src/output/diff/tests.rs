use super::*;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What each tool makes of a diff, with the tool's words when it refuses.
fn applied(program: &str, arguments: &[&str], name: &str, before: &str, diff: &str) -> Option<Result<Vec<u8>, String>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, before).unwrap();
    let patch = tempfile::NamedTempFile::new().unwrap();
    fs::write(patch.path(), diff).unwrap();
    let nowhere = if cfg!(windows) { "NUL" } else { "/dev/null" };
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder.path())
        .env("GIT_CONFIG_GLOBAL", nowhere)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap())
        .stdin(Stdio::from(fs::File::open(patch.path()).unwrap()))
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: no {program} here");
        return None;
    };
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let leftovers: Vec<_> = fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| *path != file && path.is_file())
        .collect();
    Some(if output.status.success() && leftovers.is_empty() {
        fs::read(&file).map_err(|error| format!("{error}\n{said}"))
    } else {
        Err(format!("{said}{leftovers:?}"))
    })
}

/// Both tools make `after` of `before`, and `before` of `after`.
fn applies(name: &str, before: &str, after: &str) {
    let diff = unified(name, before, after);
    let shown: String = diff.chars().take(2000).collect();
    let both: [(&str, &[&str], &[&str]); 2] =
        [("git", &["apply"], &["apply", "-R"]), ("patch", &["-p1", "-s"], &["-p1", "-s", "-R"])];
    for (program, forth, back) in both {
        for (arguments, from, to) in [(forth, before, after), (back, after, before)] {
            match applied(program, arguments, name, from, &diff) {
                Some(Ok(text)) => {
                    assert!(text == to.as_bytes(), "{program} {arguments:?} made other bytes of\n{shown}")
                }
                Some(Err(said)) => panic!("{program} {arguments:?} refused\n{shown}\n{said}"),
                None => {}
            }
        }
    }
}

fn numbered(count: usize, end: &str) -> String {
    (1..=count).map(|number| format!("line {number}{end}")).collect()
}

#[test]
fn a_diff_reads_as_git_writes_it() {
    let before = numbered(12, "\n");
    let after = before.replace("line 5\n", "line five\nand a half\n");
    assert_eq!(
        unified("sub/Dockerfile", &before, &after),
        "--- a/sub/Dockerfile\n+++ b/sub/Dockerfile\n@@ -2,7 +2,8 @@\n line 2\n line 3\n line 4\n-line 5\n+line five\n\
         +and a half\n line 6\n line 7\n line 8\n"
    );
    assert_eq!(unified("Dockerfile", &before, &before), "");
    assert_eq!(unified("f", "a", "b\n"), "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n");
}

#[test]
fn changes_at_the_top_and_at_the_end_apply() {
    let text = numbered(20, "\n");
    applies("Dockerfile", &text, &format!("first\n{text}"));
    applies("Dockerfile", &text, &format!("{text}last\n"));
    applies("Dockerfile", &text, &format!("first\n{text}last\n"));
    applies("Dockerfile", &text, text.strip_prefix("line 1\n").unwrap());
    applies("Dockerfile", &text, text.strip_suffix("line 20\n").unwrap());
    applies("Dockerfile", "one\n", "two\n");
}

#[test]
fn a_missing_last_newline_applies_on_either_side() {
    applies("Dockerfile", "a\nb", "a\nc");
    applies("Dockerfile", "a\nb", "a\nb\n");
    applies("Dockerfile", "a\nb\n", "a\nb");
    applies("Dockerfile", "a\nb\n", "x\nb");
    applies("Dockerfile", "a\nb\nc\nd\ne\nf", "x\nb\nc\nd\ne\nf");
    applies("Dockerfile", "a\nb\nc\nd", "x\nb\nc\nd");
    applies("Dockerfile", "a", "a\nb");
    applies("Dockerfile", "a", "b");
}

#[test]
fn carriage_returns_stay_where_they_are() {
    let text = numbered(9, "\r\n");
    applies("Dockerfile", &text, &text.replace("line 5", "line five"));
    applies("Dockerfile", &text, &text.replace("line 5\r\n", "line 5\n"));
    applies("Dockerfile", &text, &text.replace("\r\n", "\n"));
    applies("Dockerfile", "a\rb\rc\nd\n", "a\rb\rx\nd\n");
    applies("Dockerfile", "a\rb\rc", "a\rb\rc\r");
    applies("Dockerfile", "a\r\nb\r", "a\r\nc\r");
    applies("Dockerfile", "a\r\rb\n\r\n\r", "a\r\rc\n\r\n\r");
    applies("Dockerfile", "RUN a \\\r\n  b\r\n", "RUN a \\\r\n  c \\\r\n  b\r\n");
}

#[test]
fn odd_texts_apply() {
    applies("Dockerfile", "\u{feff}FROM a\nRUN b\n", "\u{feff}FROM a\nRUN c\n");
    applies("Dockerfile", "\u{feff}FROM a\nRUN b\n", "\u{feff}FROM c\nRUN b\n");
    applies("Dockerfile", "-- a\n++ b\n@@ -1 +1 @@\n", "-- x\n++ y\n@@ -1 +1 @@\n");
    applies(
        "Dockerfile",
        "--- a/f\n+++ b/f\n\\ No newline at end of file\n",
        "\\ No newline at end of file\n+++ b/f\n",
    );
    applies("Dockerfile", "diff --git a/x b/x\nx\n", "diff --git a/y b/y\nx\n");
    applies("Dockerfile", "a\u{b}b\u{c}c\u{85}d\u{2028}e\nf\n", "a\u{b}b\u{c}c\u{85}d\u{2028}e\ng\n");
    applies("Dockerfile", "\n\n\n\n", "\n\n\n\n\n");
    applies("Dockerfile", "  \n\t\n", "  \n \t\n");
    applies("Dockerfile", "x\0y\n", "x\0z\n");
    let long = "ä".repeat(300_000);
    applies("Dockerfile", &format!("{long}\nb\n"), &format!("{long}x\nb\n"));
}

#[test]
fn hunks_that_nearly_touch_apply() {
    let text = numbered(40, "\n");
    for gap in 1..=8 {
        let second = format!("line {}\n", 10 + gap);
        let after = text.replace("line 10\n", "ten\n").replace(&second, "");
        applies("Dockerfile", &text, &after);
    }
}

#[test]
fn ten_thousand_hunks_apply() {
    let text = numbered(100_000, "\n");
    let after: String = (1..=100_000)
        .map(|number| if number % 10 == 5 { format!("line {number} pinned\n") } else { format!("line {number}\n") })
        .collect();
    assert_eq!(unified("Dockerfile", &text, &after).matches("\n@@ ").count(), 10_000);
    applies("Dockerfile", &text, &after);
}

#[test]
fn repeated_lines_apply() {
    let stage = "FROM python:3.10\nRUN pip install --upgrade pip\n\nRUN true\n";
    let text = stage.repeat(500);
    applies("Dockerfile", &text, &text.replace("upgrade pip", "upgrade pip==23.0"));
    let middle = 4 * 250 / 4 * stage.len();
    applies("Dockerfile", &text, &format!("{}{stage}{}", &text[..middle], &text[middle..]));
}

#[test]
fn names_of_every_kind_apply() {
    let mut names =
        vec!["sub/folder/Dockerfile", "my images/Docker file", "Umgebung für Jürgen/Dockerfile", "环境/环境.yml"];
    names.extend([
        "Dockerfile 2020-01-01 00:00:00 +0000",
        "a/b/a",
        "b/a",
        "-Dockerfile",
        "Dockerfile~",
        "it's",
        "a  b",
    ]);
    if cfg!(unix) {
        names.extend([
            "quo\"te",
            "back\\slash",
            "tab\there",
            "new\nline",
            "both \"and\" ü",
            "bell\u{7}\u{1b}[1m",
            "\u{7f}",
        ]);
        names.extend([" leading", "trailing ", "carriage\rreturn", "\\101", "two  ", "\u{a0}no-break\u{a0}"]);
    }
    for name in names {
        applies(name, "a\nb\nc\n", "a\nx\nc\n");
    }
}

#[test]
fn a_diff_of_several_files_applies_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let diff = unified("a b", "1\n", "2\n") + &unified("c", "x", "y\nz") + &unified("d", "-- c\n", "++ c\n");
    let patch = folder.path().join("patch");
    fs::write(&patch, diff).unwrap();
    for (program, arguments) in [("git", vec!["apply"]), ("patch", vec!["-p1", "-s"])] {
        for (name, text) in [("a b", "1\n"), ("c", "x"), ("d", "-- c\n")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let input = Stdio::from(fs::File::open(&patch).unwrap());
        let command = Command::new(program).args(arguments).current_dir(folder.path()).stdin(input).output();
        let Ok(output) = command else {
            eprintln!("skipped: no {program} here");
            continue;
        };
        assert!(output.status.success(), "{program}: {output:?}");
        let read = |name: &str| fs::read_to_string(folder.path().join(Path::new(name))).unwrap();
        assert_eq!((read("a b"), read("c"), read("d")), ("2\n".into(), "y\nz".into(), "++ c\n".into()), "{program}");
    }
}

#[test]
fn what_was_empty_or_becomes_empty_applies() {
    applies("Dockerfile", "", "a\n");
    applies("Dockerfile", "", "a");
    applies("Dockerfile", "a\nb\n", "");
}

#[test]
fn colours_follow_the_lines_of_a_hunk_and_not_their_looks() {
    let diff = unified("f", "-- a\nx\r\n", "++ b\nx\r\n");
    let text = colored(&diff);
    assert!(text.contains("\u{1b}[31m--- a\u{1b}[0m\n"), "{text:?}");
    assert!(text.contains("\u{1b}[32m+++ b\u{1b}[0m\n"), "{text:?}");
    assert!(text.starts_with("\u{1b}[1m--- a/f\u{1b}[0m\n"), "{text:?}");
    let plain = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[36m"]
        .iter()
        .fold(text, |text, code| text.replace(code, ""));
    assert_eq!(plain, diff);
}

#[test]
fn a_hunk_has_three_lines_of_context_wherever_the_insertion_could_slide_to() {
    let before = "a\nb\n\nRUN\nc\nd\ne\nf\n";
    let after = "a\nb\n\nENV\n\nRUN\nc\nd\ne\nf\n";
    assert_eq!(unified("f", before, after).lines().nth(2), Some("@@ -1,6 +1,8 @@"));
    let before = "x\n\nRUN a\n\nFROM b\n\nRUN b\n\nCMD c\n";
    let after = "x\n\nENV\n\nRUN a\n\nFROM b\n\nENV\n\nRUN b\n\nCMD c\n";
    assert!(unified("f", before, after).ends_with("ENV\n \n RUN b\n \n"), "{}", unified("f", before, after));
}
