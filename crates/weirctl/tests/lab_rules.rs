//! `weirctl lab rules`: the list, single rules, and the document.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod common;

use common::scratch;
use common::weirctl;

#[test]
fn every_rule_is_listed_and_says_whether_it_is_checked() {
    let run = weirctl(&scratch("rules-json"), &["lab", "rules", "--json"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let document: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(document["command"], "lab rules");
    let rules = document["rules"].as_array().expect("a list");
    assert!(rules.len() > 150);
    let text = weirctl(&scratch("rules"), &["lab", "rules"]).out;
    for rule in rules {
        let (checked, id) = (rule["checked"].as_bool().unwrap(), rule["id"].as_str().unwrap());
        assert_eq!(checked, rule["reason"].is_null(), "{id}");
        assert_eq!(checked, !rule["faulty"].as_array().unwrap().is_empty(), "{id}");
        assert_eq!(checked, !rule["clean"].as_array().unwrap().is_empty(), "{id}");
        assert!(text.lines().any(|line| line.trim_start().starts_with(&format!("{id} "))), "{id}");
    }
    let checked = rules.iter().filter(|rule| rule["checked"] == true).count();
    assert!(text.ends_with(&format!("{} rules, {checked} of them checked\n", rules.len())), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 110));
}

#[test]
fn one_rule_is_shown_with_all_that_is_known() {
    let run = weirctl(&scratch("rules-one"), &["lab", "rules", "n-49"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(run.out.starts_with("NDIS\n  N-49  "), "{}", run.out);
    for part in
        ["documentation: ", "faulty drivers: ", "ndis::completing_twice", "clean twins: ", "1 rule, 1 of"]
    {
        assert!(run.out.contains(part), "{}", run.out);
    }
}

#[test]
fn an_unknown_rule_is_the_users_mistake() {
    let run = weirctl(&scratch("rules-unknown"), &["lab", "rules", "Z-1"]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.contains("there is no rule `Z-1`"), "{}", run.err);
}
