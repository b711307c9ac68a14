//! Patterns against expectations written down, and against chrono.

use chrono::{DateTime, Datelike, MappedLocalTime, NaiveDate, TimeZone};
use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    if text.contains('%') { Pattern::strptime(text).unwrap() } else { Pattern::compile(text).unwrap() }
}

fn date(days: i32) -> NaiveDate {
    NaiveDate::from_epoch_days(days).unwrap()
}

#[test]
fn dates() {
    for (format, text, expect) in [
        ("ISO", "2024-02-29", Some("2024-02-29")),
        ("ISO", "2023-02-29", None),
        ("ISO", "1900-02-29", None),
        ("ISO", "2000-02-29", Some("2000-02-29")),
        ("ISO", "0001-01-01", Some("0001-01-01")),
        ("ISO", "0000-12-31", None),
        ("ISO", "2024-2-9", None),
        ("ISO", "2024-02-29 ", None),
        ("ISO", "2024-02-29T00:00:00Z", None),
        ("ISO", "20240229", None),
        ("ISO", "２０２４-02-29", None),
        ("ISO", "", None),
        ("DD/MM/YYYY", "29/02/2024", Some("2024-02-29")),
        ("DD/MM/YYYY", "1/2/2024", Some("2024-02-01")),
        ("DD/MM/YYYY", "01/2/2024", Some("2024-02-01")),
        ("DD/MM/YYYY", "001/02/2024", None),
        ("DD/MM/YYYY", "31/04/2024", None),
        ("DD/MM/YYYY", "1/2/24", None),
        ("DD/MM/YYYY", "1/2/02024", None),
        ("DD/MM/YYYY", "29-02-2024", None),
        ("DD/MM/YYYY", "29/02/2024 10:00", None),
        ("DD/MM/YYYY", "+1/02/2024", None),
        ("DD/MM/YYYY", "é1/02/024", None),
        ("dd.mm.yyyy", "03.04.2024", Some("2024-04-03")),
        ("YYYYMMDD", "20240403", Some("2024-04-03")),
        ("YYYYMMDD", "2024403", None),
        ("DDMMYYYY", "3042024", None),
        ("YYYY-MM-DD", "2024-4-3", Some("2024-04-03")),
        ("FMDD Mon YYYY", "3 apr 2024", Some("2024-04-03")),
        ("DD MonthYYYY", "03 April2024", Some("2024-04-03")),
        ("Mon DD, YYYY", "Sept 3, 2024", None),
        ("Dy, DD Mon YYYY", "Wed, 03 Apr 2024", Some("2024-04-03")),
        ("Dy, DD Mon YYYY", "Thu, 03 Apr 2024", None),
        ("DD \"de\" MM \"de\" YYYY", "3 de 4 de 2024", Some("2024-04-03")),
        ("DD/MM/YYYY HH24:MI", "03/04/2024 23:59", Some("2024-04-03")),
        ("DD/MM/YYYY HH24:MI", "03/04/2024 24:00", None),
        ("%d/%m/%Y", "3/4/2024", Some("2024-04-03")),
        ("%Y%m%d", "20240403", Some("2024-04-03")),
        ("%B %d, %Y", "April 3, 2024", Some("2024-04-03")),
        ("100%% %d.%m.%Y", "100% 03.04.2024", Some("2024-04-03")),
    ] {
        let found = pattern(format).parse_date(text).map(|days| date(days).to_string());
        assert_eq!(found.as_deref(), expect, "{format} {text}");
    }
}

#[test]
fn datetimes() {
    for (format, text, zone, expect) in [
        ("ISO", "2024-04-03T10:20:30Z", "America/Sao_Paulo", Some("2024-04-03T10:20:30Z")),
        ("ISO", "2024-04-03T10:20:30", "America/Sao_Paulo", Some("2024-04-03T13:20:30Z")),
        ("ISO", "2024-04-03T10:20", "UTC", Some("2024-04-03T10:20:00Z")),
        ("ISO", "2024-04-03T10:20:30.123456", "UTC", Some("2024-04-03T10:20:30.123456Z")),
        ("ISO", "2024-04-03T10:20:30.1", "UTC", Some("2024-04-03T10:20:30.100Z")),
        ("ISO", "2024-04-03T10:20:30.123456000", "UTC", Some("2024-04-03T10:20:30.123456Z")),
        ("ISO", "2024-04-03T10:20:30.1234567", "UTC", None),
        ("ISO", "2024-04-03T10:20:30.", "UTC", None),
        ("ISO", "2024-04-03T10:20.5", "UTC", None),
        ("ISO", "2024-04-03T10:20:30-03", "UTC", Some("2024-04-03T13:20:30Z")),
        ("ISO", "2024-04-03T10:20:30+0530", "UTC", Some("2024-04-03T04:50:30Z")),
        ("ISO", "2024-04-03T10:20:30+25:00", "UTC", None),
        ("ISO", "2024-04-03T24:00:00Z", "UTC", None),
        ("ISO", "2024-04-03T23:59:60Z", "UTC", None),
        ("ISO", "2024-04-03 10:20:30", "UTC", None),
        ("ISO", "2024-04-03", "UTC", None),
        ("ISO", "0001-01-01T00:00:00+01:00", "UTC", None),
        // Clocks set back: the first of two readings. Clocks set forward: no such reading.
        ("ISO", "2018-02-17T23:30:00", "America/Sao_Paulo", Some("2018-02-18T01:30:00Z")),
        ("ISO", "2018-11-04T00:30:00", "America/Sao_Paulo", None),
        ("ISO", "1900-01-01T00:00:00", "America/Sao_Paulo", Some("1900-01-01T03:06:28Z")),
        ("DD/MM/YYYY HH24:MI:SS", "3/4/2024 1:02:03", "UTC", Some("2024-04-03T01:02:03Z")),
        ("DD/MM/YYYY HH24:MI:SS", "3/4/2024 1:2:03", "UTC", None),
        ("DD/MM/YYYY FMHH24:FMMI:FMSS", "3/4/2024 1:2:3", "UTC", Some("2024-04-03T01:02:03Z")),
        ("DD/MM/YYYY HH12:MI PM", "03/04/2024 12:05 am", "UTC", Some("2024-04-03T00:05:00Z")),
        ("DD/MM/YYYY HH:MI P.M.", "03/04/2024 12:05 p.m.", "UTC", Some("2024-04-03T12:05:00Z")),
        ("DD/MM/YYYY HH12:MI PM", "03/04/2024 13:05 PM", "UTC", None),
        ("DD/MM/YYYY HH12:MI PM", "03/04/2024 00:05 AM", "UTC", None),
        (
            "YYYY-MM-DDTHH24:MI:SS.MSTZH:TZM",
            "2024-04-03T10:20:30.250-03:30",
            "UTC",
            Some("2024-04-03T13:50:30.250Z"),
        ),
        (
            "YYYY-MM-DD HH24:MI:SS.US OF",
            "2024-04-03 10:20:30.000001 +02",
            "UTC",
            Some("2024-04-03T08:20:30.000001Z"),
        ),
        ("YYYY-MM-DDTHH24:MIZ", "2024-04-03T10:20Z", "Asia/Tokyo", Some("2024-04-03T10:20:00Z")),
        ("YYYY-MM-DDTHH24:MIZ", "2024-04-03T10:20", "Asia/Tokyo", None),
        ("YYYYMMDDHH24MISSMS", "20240403102030250", "UTC", Some("2024-04-03T10:20:30.250Z")),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-04-03T10:20:30-0300", "UTC", Some("2024-04-03T13:20:30Z")),
        ("%d/%m/%Y %I:%M %p", "03/04/2024 01:05 PM", "UTC", Some("2024-04-03T13:05:00Z")),
        ("DD/MM/YYYY", "03/04/2024", "UTC", None),
    ] {
        let micros = pattern(format).parse_datetime(text, Zone::named(zone).unwrap());
        let found = micros.map(|micros| {
            let instant = DateTime::from_timestamp_micros(micros).unwrap();
            instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
        });
        assert_eq!(found.as_deref(), expect, "{format} {text} {zone}");
    }
}

#[test]
fn times() {
    for (format, text, expect) in [
        ("ISO", "10:20:30", Some(37_230_000_000)),
        ("ISO", "00:00", Some(0)),
        ("ISO", "23:59:59.5", Some(86_399_500_000)),
        ("ISO", "24:00", None),
        ("ISO", "10:20:30Z", None),
        ("ISO", "1:20", None),
        ("%H:%M:%S", "1:02:03", Some(3_723_000_000)),
        ("%Hh%M", "14h30", Some(52_200_000_000)),
    ] {
        assert_eq!(pattern(format).parse_time(text), expect, "{format} {text}");
    }
}

#[test]
fn patterns_that_leave_something_to_a_guess_are_refused() {
    for (text, expect) in [
        ("DD/MM/YY", "a year of two digits does not say its century"),
        ("DD/MM/YYY", "a year of two digits does not say its century"),
        ("%d/%m/%y", "a year of two digits does not say its century"),
        ("any", "`any` leaves the format to a guess"),
        ("", "the pattern is empty"),
        ("DD/MM/YYYY \"at", "a quoted text in the pattern is not closed"),
        ("DD/MM/YYYY de", "`de` is not a template word"),
        ("DDD/YYYY", "`DDD` is not a template word"),
        ("YYYY-MM-DD HH24:MI TZ", "`TZ` is not a template word"),
        ("%d/%m/%Q", "`%Q` is not a template word"),
        ("DD/MM/YYYY HH24:MM", "the pattern names the month twice"),
        ("DD/MM/YYYY HH12:MI", "the pattern has AM or PM without a 12-hour hour, or the other way round"),
        ("DD/MM/YYYY HH24:MI AM", "the pattern has AM or PM without a 12-hour hour, or the other way round"),
    ] {
        let strptime = text.contains('%') || text == "any";
        let error = if strptime { Pattern::strptime(text) } else { Pattern::compile(text) }.unwrap_err();
        assert_eq!(error.to_string(), expect, "{text}");
        assert!(!error.help().is_empty());
    }
    assert_eq!(pattern("MM/YYYY").check_date(), Err(PatternError::Lacks { part: "day" }));
    assert_eq!(pattern("DD/MM/YYYY HH24").check_datetime(), Err(PatternError::Lacks { part: "minute" }));
    assert_eq!(pattern("DD/MM/YYYY HH24:MI").check_writable(), Err(PatternError::TimeOfDate));
    assert_eq!(Pattern::ISO.check_datetime(), Ok(()));
}

#[test]
fn every_day_of_the_calendar() {
    let mut next = civil::FIRST_DAY;
    let mut day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
    while day.year() <= 9999 {
        assert_eq!(civil::days(day.year() as u32, day.month(), day.day()), Some(next));
        assert_eq!(civil::date(next), Some((day.year() as u32, day.month(), day.day())));
        assert_eq!(u32::from(civil::weekday(next)), day.weekday().num_days_from_monday());
        (day, next) = (day.succ_opt().unwrap(), next + 1);
    }
    assert_eq!(next, civil::LAST_DAY + 1);
    assert_eq!(civil::date(next), None);
    assert_eq!(civil::date(civil::FIRST_DAY - 1), None);
}

const FORMATS: [(&str, &str); 6] = [
    ("DD/MM/YYYY", "%d/%m/%Y"),
    ("ISO", "%Y-%m-%d"),
    ("MM-DD-YYYY", "%m-%d-%Y"),
    ("YYYYMMDD", "%Y%m%d"),
    ("Dy Mon DD YYYY", "%a %b %d %Y"),
    ("Day, FMDD Month YYYY", "%A, %-d %B %Y"),
];

proptest! {
    #[test]
    fn what_chrono_writes_is_read_and_written_alike(days in civil::FIRST_DAY..=civil::LAST_DAY) {
        for (ours, theirs) in FORMATS {
            let text = date(days).format(theirs).to_string();
            prop_assert_eq!(pattern(ours).parse_date(&text), Some(days), "{} {}", ours, &text);
            let mut written = String::new();
            prop_assert_eq!(pattern(ours).format_date(days, &mut written), Some(()));
            prop_assert_eq!(written, text);
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_refused(day in 0_u32..40, month in 0_u32..20, year in 0_u32..10_000) {
        let expect = NaiveDate::from_ymd_opt(year as i32, month, day).filter(|_| year > 0);
        let expect = expect.map(|date| date.to_epoch_days());
        prop_assert_eq!(pattern("DD/MM/YYYY").parse_date(&format!("{day:02}/{month:02}/{year:04}")), expect);
        prop_assert_eq!(pattern("ISO").parse_date(&format!("{year:04}-{month:02}-{day:02}")), expect);
    }

    #[test]
    fn any_text_is_read_or_not_but_never_a_panic(text in "\\PC{0,30}|[0-9/:.+TZ -]{0,30}") {
        for format in ["ISO", "DD/MM/YYYY", "Dy, DD Month YYYY HH12:MI:SS.MS AM OF", "YYYYMMDDHH24MISSUS"] {
            let pattern = pattern(format);
            let day = pattern.parse_date(&text);
            prop_assert!(day.is_none_or(|day| civil::date(day).is_some()));
            pattern.parse_datetime(&text, Zone::Utc);
            pattern.parse_time(&text);
        }
    }

    #[test]
    fn any_pattern_is_compiled_or_refused(text in "\\PC{0,20}|[YMDHISTZOFAPayonm24:/\" %-]{0,20}") {
        let _ = Pattern::compile(&text);
        let _ = Pattern::strptime(&text);
    }

    #[test]
    fn wall_clocks_agree_with_chrono(seconds in -5_000_000_000_i64..5_000_000_000, index in 0_usize..5) {
        let name = ["America/Sao_Paulo", "America/New_York", "Europe/Lisbon", "Asia/Kathmandu", "Australia/Lord_Howe"][index];
        let zone = Zone::named(name).unwrap();
        let naive = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        let tz: chrono_tz::Tz = name.parse().unwrap();
        let expect = match tz.from_local_datetime(&naive) {
            MappedLocalTime::Single(one) | MappedLocalTime::Ambiguous(one, _) => Some(one.timestamp_micros()),
            MappedLocalTime::None => None,
        };
        let found = zone.instant(seconds * 1_000_000);
        prop_assert_eq!(found, expect);
        if let Some(micros) = found {
            prop_assert_eq!(zone.local_day(micros).map(date), Some(naive.date()));
        }
    }
}
