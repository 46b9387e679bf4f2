//! The pages write numbers as everything else does: their own formatter, in the engine that draws plots, against the crate's.

use std::{fs, path::Path};

use rquickjs::{Context, Function, Object, Runtime};
use studious_playbook::numbers::number;

/// Values at and around each cut-off, then many in between.
fn values() -> Vec<f64> {
    let mut values = vec![0.0, -0.0, 0.5, -0.25, 65_536.0, -123_456.0, 9_999_999.0, 1e7, 12_345.6, f64::MAX, 5e-324];
    for power in -8..10 {
        let ten = 10_f64.powi(power);
        values.extend([ten, -ten, 0.999_94 * ten, 0.999_96 * ten, 2.5 * ten, 1.234_56 * ten, 9.876_54 * ten]);
    }
    for power in 1..17 {
        values.extend([1.0, 0.999_4, 0.998_9, 2.5, 4.123_4, 9.99].map(|missing| 1.0 - missing * 10_f64.powi(-power)));
    }
    values.extend((0..2_000).map(|i| (f64::from(i) * 0.61803).sin() * 10_f64.powi(i % 24 - 12)));
    values
}

#[test]
fn numbers_of_the_pages_are_those_of_the_command() {
    let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("web/dist/format.js")).unwrap();
    let context = Context::full(&Runtime::new().unwrap()).unwrap();
    context.with(|ctx| {
        ctx.eval::<(), _>(script).unwrap();
        let format: Object<'_> = ctx.globals().get("format").unwrap();
        let of_the_pages: Function<'_> = format.get("number").unwrap();
        for x in values() {
            let text: String = of_the_pages.call((x,)).unwrap();
            assert_eq!(text, number(x), "{x:e}");
        }
    });
}
