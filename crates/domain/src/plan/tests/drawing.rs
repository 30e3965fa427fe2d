//! Draws a run as `docs/programme.md` shows it. All dates come from the engine.

use std::fmt::Write;

use chrono::Datelike;

use super::*;
use crate::calendar::holidays;

const DAY_WIDTH: i64 = 10;
const LEFT: i64 = 24;
const ROW_HEIGHT: i64 = 22;
/// Where the phases are drawn, below title and axis.
const PHASES_AT: i64 = 108;
const PHASE_HEIGHT: i64 = 26;
/// For the names of holidays, written upwards.
const FOOT_HEIGHT: i64 = 190;
const COLOURS: [&str; 5] = ["#3f6593", "#3d7f7c", "#7a6a2f", "#8a5270", "#5b5f86"];
const STYLE: &str = "text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:11px;fill:#333}\
.title{font-size:15px;font-weight:bold}.light{fill:#666}.phase{fill:#fff;font-weight:bold}\
.step{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}\
.weekend{fill:#f2f2f2}.holiday{fill:#f3e3c8}.end{stroke:#b03030;stroke-width:1.5}";

/// A run on a line of days. `before` are the steps as they were planned before a pause, if there is one.
pub(super) struct Drawing<'a> {
    pub title: &'a str,
    pub plan: &'a Plan<'a>,
    pub before: Option<&'a Plan<'a>>,
    pub pause: Option<(NaiveDate, NaiveDate)>,
}

pub(super) fn short(date: NaiveDate) -> String {
    date.format("%a %-d %b").to_string()
}

impl Drawing<'_> {
    pub fn svg(&self) -> String {
        let (width, height) = (2 * LEFT + self.days() * DAY_WIDTH, self.foot() + FOOT_HEIGHT);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\">\n<title>{}</title>\n\
             <style>{STYLE}</style>\n<defs><pattern id=\"pause\" width=\"8\" height=\"8\" \
             patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"3\" \
             height=\"8\" fill=\"#9a9a9a\" fill-opacity=\"0.55\"/></pattern></defs>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n",
            self.title
        );
        svg += &text(LEFT, 24, "start", "title", self.title);
        svg += &self.days_off();
        svg += &self.axis();
        svg += &self.phases();
        svg += &self.paused();
        svg += &self.ends();
        svg += &self.steps();
        svg += &self.legend();
        svg + "</svg>\n"
    }

    fn end(&self) -> NaiveDate {
        self.plan.planned_end().unwrap()
    }

    fn days(&self) -> i64 {
        (self.end() - self.plan.start).num_days() + 1
    }

    fn dates(&self) -> impl Iterator<Item = NaiveDate> {
        let end = self.end();
        self.plan.start.iter_days().take_while(move |date| *date <= end)
    }

    /// The left edge of a day.
    fn x(&self, date: NaiveDate) -> i64 {
        LEFT + (date - self.plan.start).num_days() * DAY_WIDTH
    }

    /// Below the last step.
    fn foot(&self) -> i64 {
        let rows = i64::try_from(self.plan.steps.len()).unwrap();
        PHASES_AT + PHASE_HEIGHT + 12 + rows * ROW_HEIGHT
    }

    fn days_off(&self) -> String {
        let mut svg = String::new();
        let height = self.foot() - PHASES_AT;
        for date in self.dates().filter(|date| date.weekday().number_from_monday() > 5) {
            svg += &rect(self.x(date), PHASES_AT, DAY_WIDTH, height, "class=\"weekend\"");
        }
        let years = self.plan.start.year()..=self.end().year();
        let all = years.flat_map(|year| holidays(self.plan.calendar.state(), year));
        for holiday in all.filter(|found| self.plan.start <= found.on && found.on <= self.end()) {
            let x = self.x(holiday.on);
            svg += &rect(x, PHASES_AT, DAY_WIDTH, height, "class=\"holiday\"");
            let (x, y) = (x + DAY_WIDTH - 1, self.foot() + 6);
            writeln!(
                svg,
                "<text transform=\"translate({x},{y}) rotate(-90)\" text-anchor=\"end\" \
                 class=\"light\">{}, {}</text>",
                holiday.name.name_en,
                short(holiday.on)
            )
            .unwrap();
        }
        svg
    }

    /// Days of the programme above, the dates of Mondays below.
    fn axis(&self) -> String {
        let mut svg = String::new();
        for date in self.dates() {
            let x = self.x(date);
            let day = self.plan.day(date);
            let counts = !self.plan.calendar.is_paused(date);
            if counts && (day == 1 || day % 10 == 0) {
                let label = if day == 1 { "day 1".to_owned() } else { day.to_string() };
                svg += &text(x + DAY_WIDTH / 2, PHASES_AT - 32, "middle", "", &label);
                svg += &line(
                    (x + DAY_WIDTH / 2, PHASES_AT - 28),
                    (x + DAY_WIDTH / 2, PHASES_AT),
                    "stroke=\"#ccc\"",
                );
            }
            if (date - self.plan.start).num_days() % 14 == 0 {
                let label = date.format("%-d %b").to_string();
                svg += &text(x, PHASES_AT - 10, "start", "light", &label);
            }
        }
        svg
    }

    fn phases(&self) -> String {
        let mut svg = String::new();
        for (phase, colour) in self.plan.phases.iter().zip(COLOURS) {
            let first = self.plan.date_of_day(phase.from_day.unwrap());
            let last = self.plan.date_of_day(phase.to_day.unwrap());
            let (x, width) = (self.x(first), self.x(last) + DAY_WIDTH - self.x(first));
            svg += &rect(x, PHASES_AT, width - 1, PHASE_HEIGHT, &format!("fill=\"{colour}\""));
            // A pause in it hides a part: the name stands in the rest.
            let (x, width) = match self.pause {
                Some((from, until)) if first < from && until < last => {
                    (self.x(until) + DAY_WIDTH, self.x(last) - self.x(until))
                }
                _ => (x, width),
            };
            svg += &text(x + width / 2, PHASES_AT + 17, "middle", "phase", &phase.label_en);
        }
        svg
    }

    fn paused(&self) -> String {
        let Some((from, until)) = self.pause else { return String::new() };
        let (x, width) = (self.x(from), self.x(until) + DAY_WIDTH - self.x(from));
        let height = self.foot() - PHASES_AT;
        let days = (until - from).num_days() + 1;
        let label = format!("pause: {days} days do not count");
        rect(x, PHASES_AT, width, height, "fill=\"url(#pause)\"")
            + &rect(x, PHASES_AT, width, height, "fill=\"none\" stroke=\"#9a9a9a\"")
            + &text(x + width / 2, 44, "middle", "", &label)
            + &line((x + width / 2, 48), (x + width / 2, PHASES_AT), "stroke=\"#9a9a9a\"")
    }

    fn ends(&self) -> String {
        let ending = |end: NaiveDate, y: i64, style: &str, label: &str| {
            let x = self.x(end) + DAY_WIDTH;
            line((x, y - 8), (x, self.foot()), &format!("class=\"end\" {style}"))
                + &text(x - 5, y, "end", "", &format!("{label}, {}", short(end)))
        };
        let before = self.before.and_then(Plan::planned_end);
        let dashed = "stroke-dasharray=\"4 3\"";
        let old = before.map(|end| ending(end, 44, dashed, "last day as first planned"));
        old.unwrap_or_default() + &ending(self.end(), 60, "", "last day")
    }

    fn steps(&self) -> String {
        let mut svg = String::new();
        let top = PHASES_AT + PHASE_HEIGHT + 12;
        for (at, (y, step)) in (top..).step_by(22).zip(self.plan.steps).enumerate() {
            let y = y + ROW_HEIGHT / 2;
            let colour = COLOURS[self.plan.phase_index(step).unwrap()];
            let on = step.done.as_ref().map_or(step.planned_on.unwrap(), |done| done.on);
            let title = &step.definition.title_en;
            if on > self.end() {
                let label = format!("{title}, after the end: {} →", short(on));
                let x = LEFT + self.days() * DAY_WIDTH - 6;
                svg += &text(x, y + 4, "end", "step", &label);
                continue;
            }
            let before = self.before.and_then(|plan| plan.steps[at].planned_on);
            let moved = before.filter(|before| *before != on && step.done.is_none());
            let (right, left) = (self.centre(on), self.centre(moved.unwrap_or(on)));
            if moved.is_some() {
                svg += &line((left, y), (right, y), &format!("stroke=\"{colour}\""));
                svg += &marker(left, y, "#fff", colour);
            }
            let fill = if step.definition.mandatory { colour } else { "#fff" };
            svg += &marker(right, y, fill, colour);
            let label = match moved {
                Some(before) => format!("{title}: {} → {}", short(before), short(on)),
                None if step.done.is_some() => format!("{title}: done {}", short(on)),
                None => format!("{title}: {}", short(on)),
            };
            // Late steps have their label before them, where there is room.
            svg += &if self.plan.day(on) < 48 {
                text(right + 10, y + 4, "start", "step", &label)
            } else {
                text(left - 10, y + 4, "end", "step", &label)
            };
        }
        svg
    }

    fn centre(&self, date: NaiveDate) -> i64 {
        self.x(date) + DAY_WIDTH / 2
    }

    fn legend(&self) -> String {
        let y = self.foot() + FOOT_HEIGHT - 18;
        let mut svg = String::new();
        let mut x = LEFT;
        let mut entry = |sign: &str, label: &str| {
            svg += &sign.replace('X', &x.to_string());
            svg += &text(x + 16, y + 4, "start", "light", label);
            x += 34 + 7 * i64::try_from(label.len()).unwrap();
        };
        let at = |fill: &str| marker_at("X", y, fill, COLOURS[0]);
        entry(&at(COLOURS[0]), "mandatory step");
        entry(
            &at("#fff"),
            if self.before.is_some() { "first planned, or not mandatory" } else { "not mandatory" },
        );
        let square = |class: &str| {
            format!("<rect x=\"X\" y=\"{}\" width=\"9\" height=\"12\" {class}/>\n", y - 6)
        };
        entry(&square("class=\"weekend\" stroke=\"#ddd\""), "weekend");
        entry(&square("class=\"holiday\""), "public holiday in Hesse");
        if self.pause.is_some() {
            entry(&square("fill=\"url(#pause)\" stroke=\"#9a9a9a\""), "pause");
        }
        svg
    }
}

fn text(x: i64, y: i64, anchor: &str, class: &str, text: &str) -> String {
    format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" class=\"{class}\">{text}</text>\n")
}

fn rect(x: i64, y: i64, width: i64, height: i64, style: &str) -> String {
    format!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" {style}/>\n")
}

fn line(from: (i64, i64), to: (i64, i64), style: &str) -> String {
    let ((x1, y1), (x2, y2)) = (from, to);
    format!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" {style}/>\n")
}

fn marker(x: i64, y: i64, fill: &str, colour: &str) -> String {
    marker_at(&x.to_string(), y, fill, colour)
}

fn marker_at(x: &str, y: i64, fill: &str, colour: &str) -> String {
    format!(
        "<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\n"
    )
}
