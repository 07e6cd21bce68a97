//! HTTP dates, in the three forms of RFC 9110 section 5.6.7.
//!
//! A cache compares them without regard to case and takes no zone but GMT (RFC 9111 section 4.2).
//! The name of the day is a day's, but need not be the right one: which moment is meant is clear
//! without it. Allocates nothing.

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAYS: [&[u8]; 7] =
    [b"Monday", b"Tuesday", b"Wednesday", b"Thursday", b"Friday", b"Saturday", b"Sunday"];

/// Reads a date as seconds since 1970 (negative before). `now`, in the same unit, says which
/// century a year of two digits means. None where it is no date.
pub fn parse(text: &[u8], now: i64) -> Option<i64> {
    let mut cursor = Cursor(text);
    let form = cursor.day_name()?;
    let (date, time) = match form {
        Form::Fixdate => {
            let day = cursor.number(2)?;
            cursor.take(b" ")?;
            let month = cursor.month()?;
            cursor.take(b" ")?;
            let year = i64::from(cursor.number(4)?);
            cursor.take(b" ")?;
            ((year, month, day), cursor.time()?)
        }
        Form::Rfc850 => {
            let day = cursor.number(2)?;
            cursor.take(b"-")?;
            let month = cursor.month()?;
            cursor.take(b"-")?;
            let year = century(i64::from(cursor.number(2)?), now);
            cursor.take(b" ")?;
            ((year, month, day), cursor.time()?)
        }
        Form::Asctime => {
            let month = cursor.month()?;
            cursor.take(b" ")?;
            let day = if cursor.take(b" ").is_some() { cursor.number(1)? } else { cursor.number(2)? };
            cursor.take(b" ")?;
            let time = cursor.time()?;
            cursor.take(b" ")?;
            ((i64::from(cursor.number(4)?), month, day), time)
        }
    };
    if form != Form::Asctime {
        cursor.take(b" GMT")?;
    }
    cursor.0.is_empty().then_some(())?;
    Some(days(date)? * 86_400 + i64::from(time))
}

/// Which form a date has, told by how its day's name goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    Fixdate,
    /// `Sunday, 06-Nov-94 08:49:37 GMT`
    Rfc850,
    /// `Sun Nov  6 08:49:37 1994`
    Asctime,
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// Takes this text, in any case.
    fn take(&mut self, text: &[u8]) -> Option<()> {
        let (start, rest) = self.0.split_at_checked(text.len())?;
        start.eq_ignore_ascii_case(text).then(|| self.0 = rest)
    }

    /// Takes the name of a day and what separates it from the date.
    fn day_name(&mut self) -> Option<Form> {
        let day =
            DAYS.iter().find(|day| self.0.get(..3).is_some_and(|s| s.eq_ignore_ascii_case(&day[..3])))?;
        self.0 = &self.0[3..];
        if self.take(b", ").is_some() {
            return Some(Form::Fixdate);
        }
        if self.take(b" ").is_some() {
            return Some(Form::Asctime);
        }
        self.take(&day[3..])?;
        self.take(b", ").map(|()| Form::Rfc850)
    }

    fn month(&mut self) -> Option<u32> {
        (1..).zip(MONTHS).find_map(|(number, name)| self.take(name).map(|()| number))
    }

    /// Takes a number of so many digits.
    fn number(&mut self, digits: usize) -> Option<u32> {
        let (text, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        crate::delta_seconds::parse(text)
    }

    /// Takes `08:49:37`, as seconds of the day. Second 60 is a leap second.
    fn time(&mut self) -> Option<u32> {
        let hour = self.number(2)?;
        self.take(b":")?;
        let minute = self.number(2)?;
        self.take(b":")?;
        let second = self.number(2)?;
        (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
    }
}

/// The year that two digits mean: one that seems more than 50 years ahead is the last one that
/// ended so.
fn century(year: i64, now: i64) -> i64 {
    let this_year = 1970 + now.div_euclid(31_556_952);
    let year = this_year - this_year.rem_euclid(100) + year;
    if year > this_year + 50 {
        year - 100
    } else if year <= this_year - 50 {
        year + 100
    } else {
        year
    }
}

/// Days since 1970-01-01 of a date of the Gregorian calendar; none where there is no such day.
fn days((year, month, day): (i64, u32, u32)) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // A year that begins in March has its leap day at its end.
    let year = if month <= 2 { year - 1 } else { year };
    let month = (i64::from(month) + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 1970-01-01 is day 719,468 of this count.
    Some(year * 365 + leap_days + (153 * month + 2) / 5 + i64::from(day) - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    /// 2026-11-28.
    const NOW: i64 = 1_795_824_000;

    #[test]
    fn the_three_forms_mean_the_same_moment() {
        let table = [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("Sun Nov 06 08:49:37 1994", Some(784_111_777)),
            // RFC 9111 section 4.2: without regard to case
            ("SUN, 06 nov 1994 08:49:37 gmt", Some(784_111_777)),
            ("sunday, 06-NOV-94 08:49:37 GMT", Some(784_111_777)),
            // another day's name
            ("Mon, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Wed, 31 Dec 1969 23:59:59 GMT", Some(-1)),
            ("Sat, 01 Jan 0000 00:00:00 GMT", Some(-62_167_219_200)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799)),
            ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400)),
            // a leap second is the one that follows
            ("Sat, 31 Dec 2016 23:59:60 GMT", Some(1_483_228_800)),
        ];
        for (text, want) in table {
            assert_eq!(parse(text.as_bytes(), NOW), want, "{text}");
        }
    }

    #[test]
    fn a_year_of_two_digits_is_at_most_50_years_ahead() {
        // RFC 9110 section 5.6.7
        let table = [("26", 2026), ("76", 2076), ("77", 1977), ("94", 1994), ("00", 2000), ("50", 2050)];
        for (digits, year) in table {
            let short = parse(format!("Sunday, 06-Nov-{digits} 08:49:37 GMT").as_bytes(), NOW);
            let long = parse(format!("Sun, 06 Nov {year} 08:49:37 GMT").as_bytes(), NOW);
            assert_eq!(short, long, "{digits}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        let table = [
            "",
            "0",
            "-1",
            "foo",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 1994 08:49:37 AEST",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov  1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:00 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Mon, 29 Feb 1900 00:00:00 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Foo, 06 Nov 1994 08:49:37 GMT",
            "Sund, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMTx",
        ];
        for text in table {
            assert_eq!(parse(text.as_bytes(), NOW), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_date_that_another_implementation_writes_is_read(seconds in 0..253_402_300_800_u64) {
            let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            prop_assert_eq!(parse(text.as_bytes(), NOW), i64::try_from(seconds).ok());
        }

        #[test]
        fn whatever_stands_there_is_read_or_refused(text in any::<Vec<u8>>(), now in any::<i64>()) {
            parse(&text, now);
        }
    }
}
