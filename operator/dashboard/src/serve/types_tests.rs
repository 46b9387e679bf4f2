//! The pages' TypeScript types, generated from the views.

use std::{any::TypeId, collections::BTreeMap, fmt::Write as _, fs, path::Path};

use ts_rs::{Config, TS, TypeVisitor};

use super::views::{
    AboutView, ComparisonView, ErrorView, FindingsView, StudyList, StudyView, TrialEvents, TrialPlots, TrialView,
    TrialsPage,
};

const FILE: &str = "web/src/app/types.ts";

/// Declarations of types and of what they are made of.
struct Declarations<'a> {
    config: &'a Config,
    seen: Vec<TypeId>,
    by_name: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations<'_> {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if self.seen.contains(&TypeId::of::<T>()) {
            return;
        }
        self.seen.push(TypeId::of::<T>());
        // Types of Rust itself have no file.
        if T::output_path().is_some() {
            let docs = T::docs().unwrap_or_default();
            let text = format!("{docs}export {}\n", T::decl(self.config));
            let name = T::ident(self.config);
            let other = self.by_name.insert(name.clone(), text.clone());
            assert!(other.is_none_or(|other| other == text), "two types are called {name}");
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

fn declarations() -> String {
    let config = Config::new().with_large_int("number");
    let mut all = Declarations { config: &config, seen: Vec::new(), by_name: BTreeMap::new() };
    all.visit::<AboutView>();
    all.visit::<StudyList>();
    all.visit::<StudyView>();
    all.visit::<FindingsView>();
    all.visit::<TrialsPage>();
    all.visit::<TrialView>();
    all.visit::<TrialPlots>();
    all.visit::<TrialEvents>();
    all.visit::<ComparisonView>();
    all.visit::<ErrorView>();
    let mut text = "// Generated from operator/dashboard/src/serve/views.rs: don't edit. To write it again:\n\
                    // UPDATE_TYPES=1 cargo test -p studious-dashboard types_of_the_pages\n"
        .to_owned();
    for declaration in all.by_name.values() {
        text.push('\n');
        for line in declaration.lines() {
            writeln!(text, "{}", line.trim_end()).unwrap();
        }
    }
    text
}

#[test]
fn types_of_the_pages_are_those_of_the_views() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let generated = declarations();
    if std::env::var_os("UPDATE_TYPES").is_some() {
        fs::write(&path, generated).unwrap();
        return;
    }
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(
        written, generated,
        "{FILE} is stale: UPDATE_TYPES=1 cargo test -p studious-dashboard types_of_the_pages"
    );
}
