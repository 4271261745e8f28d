"""What the reports for other tools must hold, as those tools read them: each check gives what is wrong, as texts.

`expected` is envfix's own JSON report of the same run.

- SARIF: the schema that is given (SARIF 2.1.0), addresses as RFC 3986 has them, rules and fingerprints.
- GitLab: the fields that GitLab documents under "Code Quality report format" (`description`, `check_name`, `fingerprint`,
  `severity`, `location.path`, `location.lines.begin`), as a JSON schema of our own.
- GitHub: `ActionCommand.TryParseV2` and `TryParse` in the source of actions/runner.
- Azure Pipelines: `Command.TryParse` and `CommandStringConvertor` in the source of microsoft/azure-pipelines-agent.
- Markdown: GitHub's own parser (cmark-gfm), whose HTML may hold what the summary is made of and nothing else.

Needs PyPI `jsonschema` and `cmarkgfm`.
"""

import collections
import html.parser
import json
import re
import urllib.parse

import jsonschema

GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32,64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "additionalProperties": False,
                "properties": {
                    "path": {"type": "string", "minLength": 1, "pattern": "^(?!\\./)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "additionalProperties": False,
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}

ADDRESS = re.compile(r"(file://)?(?:[A-Za-z0-9\-._~/]|%[0-9A-F]{2})+")


def entries(expected, causes=True, problems=True):
    """What every report has to name, as (patch, file): what could not be read, causes, findings, idle skips."""
    log = expected.get("log") or {}
    failing = log.get("failing") or {}
    tied = failing.get("file") if "range" in failing else None
    found = [("input", it["file"]) for it in expected["problems"]] if problems else []
    found += [(it["patch"], tied or log["file"]) for it in log.get("causes", [])] if causes else []
    found += [(it["patch"], it["file"]) for it in expected["findings"]]
    found += [("idle-skip", it["file"]) for it in expected["idle_skips"]]
    return collections.Counter(found)


def compare(expected, seen):
    """What is missing in a report, and what is too much."""
    seen = collections.Counter(seen)
    return [f"missing: {it}" for it in expected - seen] + [f"too much: {it}" for it in seen - expected]


# Which bytes an edit takes out, and the text that it puts there.


def line_starts(data):
    return [0] + [at + 1 for at, byte in enumerate(data) if byte == 10]


def sarif_edits(log, files):
    """The edits of the fixes by file, and what is wrong with their regions."""
    edits, wrong = collections.defaultdict(list), []
    for result in log["runs"][0]["results"]:
        for fix in result.get("fixes", []):
            for change in fix["artifactChanges"]:
                name = urllib.parse.unquote(change["artifactLocation"]["uri"])
                data = files[name]
                starts = line_starts(data)
                mark = 1 if data.startswith(b"\xef\xbb\xbf") else 0

                def offset(line, column):
                    text = data[starts[line - 1]:].decode("utf-8")[:column - 1 + (mark if line == 1 else 0)]
                    return starts[line - 1] + len(text.encode("utf-8"))

                for replacement in change["replacements"]:
                    region = replacement["deletedRegion"]
                    start, end = region["byteOffset"], region["byteOffset"] + region["byteLength"]
                    by_columns = (offset(region["startLine"], region["startColumn"]),
                                  offset(region["endLine"], region["endColumn"]))
                    if by_columns != (start, end):
                        wrong.append(f"{name}: {region}: the columns are bytes {by_columns}")
                    edits[name].append((start, end, replacement["insertedContent"]["text"]))
    return edits, wrong


def rdjson_edits(report, files):
    """The edits of the suggestions by file: columns are bytes from 1."""
    edits = collections.defaultdict(list)
    for diagnostic in report["diagnostics"]:
        name = diagnostic["location"]["path"]
        for suggestion in diagnostic.get("suggestions", []):
            starts = line_starts(files[name])
            place = [starts[it["line"] - 1] + it["column"] - 1
                     for it in (suggestion["range"]["start"], suggestion["range"]["end"])]
            edits[name].append((*place, suggestion["text"]))
    return edits


def apply(files, edits):
    """The files with the edits; insertions at one place in the order of the report."""
    after = dict(files)
    for name, of_file in edits.items():
        out, last = [], 0
        for start, end, text in sorted(of_file, key=lambda it: it[:2]):
            if start < last:
                raise ValueError(f"{name}: edits overlap at byte {start}")
            out += [files[name][last:start], text.encode("utf-8")]
            last = end
        after[name] = b"".join([*out, files[name][last:]])
    return after


# The reports.


def check_sarif(text, expected, schema):
    log = json.loads(text)
    wrong = [f"{error.json_path}: {error.message[:200]}" for error in schema.iter_errors(log)]
    if wrong:
        return wrong
    run = log["runs"][0]
    rules = [it["id"] for it in run["tool"]["driver"]["rules"]]
    if len(set(rules)) != len(rules):
        wrong.append("a rule stands twice")
    prints, seen = collections.Counter(), []
    notifications = run["invocations"][0]["toolExecutionNotifications"]
    for it in run["results"] + notifications:
        uris = [place["physicalLocation"]["artifactLocation"]["uri"] for place in it["locations"]]
        wrong += [f"no address: {uri!r}" for uri in uris if not ADDRESS.fullmatch(uri)]
        rule = it["ruleId"] if "ruleId" in it else it["descriptor"]["id"]
        seen.append((rule, urllib.parse.unquote(uris[0].removeprefix("file://")) if uris else ""))
        if "ruleId" in it and rules[it["ruleIndex"]] != rule:
            wrong.append(f"{rule} is not rule {it['ruleIndex']}")
        if re.search(r"(?<!\{)\{\d+\}(?!\})|\]\(", it["message"]["text"]):
            wrong.append(f"a placeholder or a link: {it['message']['text']}")
    prints.update(it["partialFingerprints"]["envfix/v1"] for it in run["results"])
    wrong += [f"fingerprint {it} stands {count} times" for it, count in prints.items() if count > 1]
    if run["invocations"][0]["executionSuccessful"] != (not expected["problems"]):
        wrong.append("executionSuccessful is not whether all could be read")
    return wrong + compare(entries(expected), seen)


def check_rdjson(text, expected):
    diagnostics = json.loads(text)["diagnostics"]
    return compare(entries(expected), [(it["code"]["value"], it["location"]["path"]) for it in diagnostics])


def check_gitlab(text, expected):
    issues = json.loads(text)
    validator = jsonschema.Draft202012Validator(GITLAB)
    wrong = [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(issues)]
    if wrong:
        return wrong
    prints = collections.Counter(it["fingerprint"] for it in issues)
    wrong += [f"fingerprint {it} stands {count} times" for it, count in prints.items() if count > 1]
    return wrong + compare(entries(expected), [(it["check_name"], it["location"]["path"]) for it in issues])


def lines_of(text):
    """Lines as .NET's StreamReader reads them."""
    return [line for line in re.split(r"\r\n|\r|\n", text) if line]


def unescape(text, pairs):
    for token, written in pairs:
        text = text.replace(written, token)
    return text


def properties(text, parting, pairs):
    found = {}
    for pair in text.split(parting):
        key, equals, value = pair.partition("=")
        if equals:
            found[key.strip()] = unescape(value, pairs)
    return found


DATA = [("\r", "%0D"), ("\n", "%0A"), ("%", "%25")]
PROPERTY = [("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C"), ("%", "%25")]
OLDER = [(";", "%3B"), ("\r", "%0D"), ("\n", "%0A"), ("]", "%5D"), ("%", "%25")]
AGENT = [(";", "%3B"), ("\r", "%0D"), ("\n", "%0A"), ("]", "%5D"), ("%", "%AZP25")]


def github_command(line):
    """A command of GitHub's runner as (name, properties, message), or nothing."""
    trimmed = line.lstrip()
    if trimmed.startswith("::") and "::" in trimmed[2:]:
        info, message = trimmed[2:].split("::", 1)
        name, _, rest = info.partition(" ")
        return name, properties(rest.strip(), ",", PROPERTY), unescape(message, DATA)
    if "##[" in line and "]" in line.split("##[", 1)[1]:
        info, message = line.split("##[", 1)[1].split("]", 1)
        name, _, rest = info.partition(" ")
        return name, properties(rest, ";", OLDER), unescape(message, OLDER)
    return None


def azure_command(line):
    """A command of the agent of Azure Pipelines as (name, properties, message), or nothing."""
    at = line.lower().find("##vso[")
    if at < 0 or "]" not in line[at:]:
        return None
    info, message = line[at + len("##vso["):].split("]", 1)
    name, _, rest = info.strip().partition(" ")
    return name, properties(rest, ";", AGENT), unescape(message, AGENT)


def check_github(text, expected):
    wrong, seen = [], []
    for line in lines_of(text):
        command = github_command(line)
        if command is None or command[0] not in ("error", "warning", "notice"):
            wrong.append(f"no annotation: {line!r}")
            continue
        name, given, message = command
        unknown = set(given) - {"file", "line", "endLine", "col", "endColumn", "title"}
        if unknown or not message or not given.get("title", "").startswith("envfix: "):
            wrong.append(f"{unknown or 'title'}: {line!r}")
        wrong += [f"{key} of {line!r}" for key in ("line", "endLine", "col", "endColumn")
                  if key in given and not re.fullmatch("[1-9][0-9]*", given[key])]
        if "col" in given and given["line"] != given["endLine"]:
            wrong.append(f"columns over several lines: {line!r}")
        seen.append((given.get("title", "").removeprefix("envfix: "), given.get("file", "")))
    return wrong + compare(entries(expected), seen)


def check_azure(text, expected):
    wrong, seen, notes = [], [], 0
    for line in lines_of(text):
        command = azure_command(line)
        if command is None:
            notes += 1
            if not line.startswith("note: ") or github_command(line):
                wrong.append(f"neither issue nor note: {line!r}")
            continue
        name, given, message = command
        if name != "task.logissue" or given.get("type") not in ("error", "warning") or not message:
            wrong.append(f"no issue: {line!r}")
        if set(given) - {"type", "sourcepath", "linenumber", "columnnumber", "code"}:
            wrong.append(f"properties: {line!r}")
        seen.append((given.get("code", ""), given.get("sourcepath", "")))
    all_entries = entries(expected)
    wrong += [f"too much: {it}" for it in collections.Counter(seen) - all_entries]
    count = sum(all_entries.values())
    if len(seen) + notes != count:
        wrong.append(f"{len(seen)} issues and {notes} notes of {count} entries")
    return wrong


class Summary(html.parser.HTMLParser):
    """The elements of a summary, and the text of the cells of its tables."""

    ALLOWED = {"h2", "h3", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "code", "span", "details", "summary",
               "pre"}

    def __init__(self):
        super().__init__()
        self.wrong, self.rows, self.cell, self.tags = [], [], None, collections.Counter()

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        if tag not in self.ALLOWED or (attributes and (tag, attributes[0][0]) not in (("pre", "lang"),)):
            self.wrong.append(f"<{tag} {attributes}> at {self.getpos()}")
        if tag == "tr":
            self.rows.append([])
        elif tag == "td":
            self.rows[-1].append("")
            self.cell = True

    def handle_endtag(self, tag):
        if tag == "td":
            self.cell = None

    def handle_data(self, data):
        if self.cell:
            self.rows[-1][-1] += data

    def handle_comment(self, data):
        self.wrong.append(f"a comment at {self.getpos()}: {data[:80]!r}")


def one_line(text):
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text)


def check_markdown(text, expected, to_html):
    wrong = []
    page = Summary()
    page.feed(to_html(text))
    page.close()
    wrong += page.wrong
    if page.tags["details"] > 1 or page.tags["summary"] != page.tags["details"]:
        wrong.append(f"{page.tags['details']} folds")
    rows = collections.Counter(tuple(row[:4]) for row in page.rows if len(row) == 5)
    missing = collections.Counter()
    for it in expected["findings"]:
        place = one_line(f"{it['file']}:{it['range']['line']}")
        missing[place, it["patch"], it["ground"], one_line(it["message"]).strip()] += 1
    left_out = sum(int(it) for it in re.findall(r"^And (\d+) more, which would", text, re.MULTILINE))
    wrong += [f"too much: {it}" for it in rows - missing]
    if sum((missing - rows).values()) > left_out:
        wrong += [f"missing: {it}" for it in list(missing - rows)[:3]]
    others = sum(1 for row in page.rows if len(row) == 2)
    if others + left_out < len(expected["problems"]) + len(expected["idle_skips"]):
        wrong.append(f"{others} rows of problems and notes")
    causes = len((expected.get("log") or {}).get("causes", []))
    if len(re.findall(r"^Cause \d+, ", text, re.MULTILINE)) != causes:
        wrong.append(f"not all of {causes} causes")
    if len(text.encode("utf-8")) >= 1 << 20:
        wrong.append("GitHub takes no summary of a MiB")
    return wrong
