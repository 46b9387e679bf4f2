//! Plots: a place for each, its specification beside it.

use maud::{Markup, PreEscaped, html};
use studious_playbook::plots::Plot;

use super::ReportError;

pub(super) fn section(plots: &[Plot]) -> Result<Markup, ReportError> {
    let figures = plots.iter().map(figure).collect::<Result<Vec<_>, _>>()?;
    Ok(html! {
        @if !figures.is_empty() {
            section aria-labelledby="plots" {
                h2 id="plots" { "Plots" }
                div.plots { @for figure in &figures { (figure) } }
                noscript { p.calm { "Plots are drawn by a script, which this browser doesn't run." } }
            }
        }
    })
}

fn figure(plot: &Plot) -> Result<Markup, ReportError> {
    let source = serde_json::to_string(&plot.specification)
        .map_err(|source| ReportError::Plot { id: plot.id.clone(), source })?;
    Ok(html! {
        figure data-plot=(plot.id) {
            figcaption { strong { (plot.title) } span { (plot.subtitle) } }
            div.plot {}
            p.save {
                button type="button" data-save="svg" aria-label={ "Save as SVG: " (plot.title) } { "SVG" }
                button type="button" data-save="png" aria-label={ "Save as PNG: " (plot.title) } { "PNG" }
            }
            script type="application/json" { (PreEscaped(inside_script(&source))) }
        }
    })
}

/// JSON that can stand inside a script element: no text of a user can end it.
fn inside_script(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
