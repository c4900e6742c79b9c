use super::*;

fn idle(plugins: usize, start_milliseconds: f64, resident_megabytes: f64) -> Idle {
    Idle {
        plugins,
        start_milliseconds,
        resident_megabytes,
        proportional_megabytes: resident_megabytes,
    }
}

#[test]
fn plugins_are_charged_with_what_they_add() {
    let all = [idle(0, 300.0, 50.0), idle(10, 340.0, 60.0), idle(100, 500.0, 200.0)];
    assert_eq!(added_start(&all, 10), Some(40.0));
    assert_eq!(resident_each(&all, 100), Some(1.5));
    assert_eq!(resident_each(&all, 50), None);
    assert_eq!(added_start(&all[1..], 10), None);
    assert!(table(&all).contains("100 plugins"));
}

#[test]
fn the_middle_of_what_was_measured() {
    assert_eq!(middle(&mut [3, 1, 2]), Some(2));
    assert_eq!(middle::<u64>(&mut []), None);
}
