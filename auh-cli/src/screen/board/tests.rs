//! The lines that move, as text for several widths.

use super::*;
use auh_report::PlannedStep;

fn live(group: &str, machine: &str, command: u64, text: &str) -> Live {
    Live {
        group: group.to_owned(),
        machine: Some(machine.parse().unwrap()),
        current: 412,
        total: 1320,
        text: text.to_owned(),
        command: Some(command),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// Two jobs: one builds for two machines, one calls devtool; and something whose name is wide.
fn board() -> Board {
    let mut board = Board::new(None);
    board.total = 12;
    board.group_finished("done", false);
    board.group_finished("broken", true);
    board.step_started(&names(&["gstreamer1.0-plugins-base"]), "compile".to_owned());
    board.command_started(1, Some("gstreamer1.0-plugins-base"), "build for one");
    board.command_started(2, Some("gstreamer1.0-plugins-base"), "build for the other");
    let group = "gstreamer1.0-plugins-base";
    board.live(&live(group, "qemux86-64", 1, "glib-2.0: do_compile"));
    board.live(&live(
        group,
        "qemuarm_musl",
        2,
        &format!("{group}: do_configure"),
    ));
    board.step_started(&names(&["日本語"]), "upgrade".to_owned());
    board.command_started(3, Some("日本語"), "devtool upgrade");
    board
}

fn picture(board: &Board, columns: usize) -> String {
    board.lines(columns, board.began).join("\n")
}

#[test]
fn each_width_shows_what_fits() {
    let board = board();
    for columns in [40, 80, 200] {
        insta::assert_snapshot!(format!("columns_{columns}"), picture(&board, columns));
        for line in board.lines(columns, board.began).iter().take(3) {
            assert!(columns < 80 || width(line) < columns, "{line:?}");
        }
    }
}

#[test]
fn what_has_ended_is_shown_no_longer() {
    let mut board = board();
    board.command_ended(1);
    assert!(!picture(&board, 80).contains("qemux86-64"));
    board.step_ended(&names(&["gstreamer1.0-plugins-base"]));
    board.step_ended(&names(&["日本語"]));
    assert_eq!(
        picture(&board, 80),
        "2 of 12 groups done, 1 failed, 0 s so far"
    );
}

#[test]
fn groups_in_company_share_a_line() {
    let mut board = Board::new(None);
    board.step_started(&names(&["a", "b", "c"]), "compile".to_owned());
    board.live(&live("a b c", "qemux86-64", 1, "b: do_compile"));
    let picture = picture(&board, 80);
    assert!(
        picture.starts_with("a and 2 more  qemux86-64   412/1320  b: do_compile"),
        "{picture}"
    );
}

#[test]
fn the_rest_is_guessed_from_what_earlier_runs_took() {
    let record = |group: &str, seconds: u32| {
        let event = format!(
            r#"{{"time": "2026-01-01T00:00:00Z", "event": "step-finished", "groups": ["{group}"],
                "step": "compile", "action": "run", "outcome": {{}}, "seconds": {seconds}}}"#
        );
        serde_json::from_str::<auh_journal::Record>(&event).unwrap()
    };
    let mut experience = Experience::default();
    experience.absorb(&[record("a", 600), record("b", 1200)]);
    let step = PlannedStep {
        label: "compile".to_owned(),
        of_run: false,
        shared: false,
    };
    let planned = Planned {
        steps: vec![step],
        groups: names(&["a", "b"]),
        jobs: 1,
        batch: 1,
    };
    let mut board = Board::new(Some(Forecast {
        experience,
        planned,
    }));
    board.total = 2;
    assert_eq!(
        picture(&board, 80),
        "0 of 2 groups done, about 30 min left, 0 s so far"
    );
    board.step_started(&names(&["b"]), "compile".to_owned());
    let later = board.began + Duration::from_secs(300);
    assert_eq!(
        board.standing(later),
        "0 of 2 groups done, about 25 min left, 5 min 0 s so far"
    );
    let far_too_late = board.began + Duration::from_secs(3661);
    assert_eq!(
        board.standing(far_too_late),
        "0 of 2 groups done, 1 h 1 min so far"
    );
    board.step_ended(&names(&["b"]));
    board.group_finished("b", false);
    assert_eq!(
        board.standing(later),
        "1 of 2 groups done, about 10 min left, 5 min 0 s so far"
    );
}

#[test]
fn guesses_are_not_precise() {
    assert_eq!(roughly(12.0), "less than a minute");
    assert_eq!(roughly(1234.0), "about 21 min");
    assert_eq!(roughly(9000.0), "about 2.5 h");
}
