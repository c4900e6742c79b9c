use super::*;

#[test]
fn a_backtrace_becomes_names() {
    let rendered = "wasm backtrace:
    0:   0x1abc - probe.wasm!std[a543996e6e7dbf1e]::panicking::panic_with_hook
    1:   0x2abc - probe.wasm!<probe[0123456789abcdef]::Probe as sdk::Filter>::apply
    2:   0x3abc - <unknown>!<wasm function 7>
    3:   0x4abc - probe.wasm!list[u8]
note: using the WASMTIME_BACKTRACE_DETAILS=1 environment variable";
    assert_eq!(
        frames(rendered),
        ["<probe::Probe as sdk::Filter>::apply", "<wasm function 7>", "list[u8]"]
    );
}

#[test]
fn long_texts_are_cut_and_lines_joined() {
    assert_eq!(shorten("two\nlines"), "two lines");
    assert_eq!(shorten(&"x".repeat(2000)).chars().count(), LONGEST + 1);
}
