//! The API's answers as lines for people. What comes from plugins and peers is shown without control characters: it goes
//! to a terminal.

use serde_json::Value;

/// A member as text; empty if there is none.
pub fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => plain(text),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// The entries of a member that is a list.
pub fn items<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A list of what waits, an entry in a line: its id, then what is known of it; `none` where it is empty.
pub fn list(entries: &Value, none: &str) -> Vec<String> {
    let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        return vec![none.to_owned()];
    }
    entries.iter().map(entry).collect()
}

fn entry(entry: &Value) -> String {
    let mut line = text(entry, "id");
    for name in [
        "kind",
        "sink",
        "destination",
        "peer",
        "transaction",
        "chain",
        "plugin",
        "queue",
        "study",
        "object",
        "calling_ae",
        "attempts",
        "arrived",
        "enqueued",
        "parked",
        "decision",
        "by",
        "at",
        "held",
    ] {
        let value = text(entry, name);
        if !value.is_empty() {
            line.push_str(&format!("  {}={value}", name.replace('_', "-")));
        }
    }
    let reason = text(entry, "reason");
    if !reason.is_empty() {
        line.push_str(&format!("  {reason}"));
    }
    line.trim_start().to_owned()
}

/// Performed steps, each in a line: what became of it, where and whose, and how it is named.
pub fn performed(steps: &Value) -> Vec<String> {
    let steps = steps.as_array().map(Vec::as_slice).unwrap_or_default();
    if steps.is_empty() {
        return vec!["nothing was performed".to_owned()];
    }
    let line = |step: &Value| {
        let of = |tag: &str| match step.pointer(&format!("/data_set/{tag}/Value/0")) {
            Some(Value::String(text)) => plain(text),
            _ => String::new(),
        };
        let studies: Vec<String> = items(step, "studies").filter_map(Value::as_str).map(plain).collect();
        format!(
            "{}  {}  {} {}  patient={}  studies={}  {}",
            text(step, "changed"),
            text(step, "state"),
            of("00400241"),
            of("00080060"),
            of("00100020"),
            studies.join(","),
            text(step, "uid"),
        )
    };
    steps.iter().map(line).collect()
}

/// The worklist, an entry in a line: when and where, whose, and how it is named.
pub fn scheduled(entries: &Value) -> Vec<String> {
    let entries = entries.as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        return vec!["nothing is to be done".to_owned()];
    }
    let of = |entry: &Value, path: &str| match entry.pointer(path) {
        Some(Value::String(text)) => plain(text),
        _ => String::new(),
    };
    let line = |entry: &Value| {
        let step = |tag: &str| of(entry, &format!("/data_set/00400100/Value/0/{tag}/Value/0"));
        format!(
            "{} {}  {} {}  {}  patient={} {}  accession={}  study={}  step={}",
            step("00400002"),
            step("00400003"),
            step("00400001"),
            step("00080060"),
            text(entry, "status"),
            of(entry, "/data_set/00100020/Value/0"),
            of(entry, "/data_set/00100010/Value/0/Alphabetic"),
            of(entry, "/data_set/00080050/Value/0"),
            text(entry, "study"),
            text(entry, "step"),
        )
    };
    entries.iter().map(line).collect()
}

/// A call of a plugin in a line.
pub fn outcome(outcome: &Value) -> String {
    let mut line = format!(
        "{}  {} ({})  {}",
        text(outcome, "at"),
        text(outcome, "plugin"),
        text(outcome, "role"),
        text(outcome, "outcome"),
    );
    for (name, label) in [("chain", "chain"), ("study", "study"), ("object", "object")] {
        let value = text(outcome, name);
        if !value.is_empty() {
            line.push_str(&format!("  {label}={value}"));
        }
    }
    if is_true(outcome, "shadow") {
        line.push_str("  shadow");
    }
    line.push_str(&format!("  {}", cost(outcome)));
    let edits = number(outcome, "edits");
    if edits > 0 {
        line.push_str(&format!("  {edits} edits"));
    }
    let reason = text(outcome, "reason");
    if !reason.is_empty() {
        line.push_str(&format!("  {reason}"));
    }
    line
}

/// What a chain would do: its steps, below each the elements that it changes, then what would become of the object.
pub fn rehearsal(rehearsal: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    if !is_true(rehearsal, "matches") {
        let chain = text(rehearsal, "chain");
        lines.push(format!(
            "  the condition of chain {chain} does not hold for this object; its plugins were tried all the same"
        ));
    }
    for (position, step) in items(rehearsal, "steps").enumerate() {
        let number = position + 1;
        let (plugin, role, outcome) = (text(step, "plugin"), text(step, "role"), text(step, "outcome"));
        let mut line = format!("  {number}. {plugin} ({role}): {outcome}  {}", cost(step));
        let reason = text(step, "reason");
        if !reason.is_empty() {
            line.push_str(&format!("  {reason}"));
        }
        lines.push(line);
        for change in items(step, "changes") {
            let side = |name: &str| match change.get(name) {
                Some(Value::Null) | None => "(nothing)".to_owned(),
                _ => format!("\"{}\"", text(change, name)),
            };
            lines.push(format!(
                "       {}  {} → {}",
                text(change, "at"),
                side("before"),
                side("after")
            ));
        }
    }
    lines.push(format!("  = {}", text(rehearsal, "end")));
    lines
}

/// What a call used.
pub fn cost(of: &Value) -> String {
    let millis = |name: &str| number(of, name) as f64 / 1000.0;
    let memory = number(of, "peak_memory") as f64 / f64::from(1 << 20);
    format!(
        "{:.2} ms CPU, {:.2} ms, {memory:.1} MiB",
        millis("cpu_us"),
        millis("wall_us")
    )
}

fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

fn is_true(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Without what a terminal would act upon.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}
