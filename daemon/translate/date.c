/* date: RFC 3339 (CPIM, XEP-0082) and the Date of SIP (RFC 3261 §20.17), without a clock or a locale. */
#include "daemon/translate/parts.h"

#include "shared/base/clock.h"

static bool take_digits(struct slice *rest, size_t count, uint64_t max, uint64_t *out)
{
	if (rest->len < count || !slice_to_number(slice_first(*rest, count), max, out))
		return false;
	*rest = slice_after(*rest, count);
	return true;
}

static bool take_char(struct slice *rest, char c)
{
	if (rest->len == 0 || ascii_lower(rest->ptr[0]) != ascii_lower(c))
		return false;
	*rest = slice_after(*rest, 1);
	return true;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
	/* Years begin in March, so that the leap day is their last; 400 years have 146097 days. */
	year -= month <= 2;

	int64_t era = year / 400, of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool translate_time_read(struct slice text, int64_t *wall_ms)
{
	uint64_t year, month, day, hour, minute, second, ms = 0, zone_hour = 0, zone_minute = 0;
	int64_t sign = 0;

	if (!take_digits(&text, 4, 9999, &year) || !take_char(&text, '-') ||
	    !take_digits(&text, 2, 12, &month) || !take_char(&text, '-') ||
	    !take_digits(&text, 2, 31, &day) || !take_char(&text, 'T') || !take_digits(&text, 2, 23, &hour) ||
	    !take_char(&text, ':') || !take_digits(&text, 2, 59, &minute) || !take_char(&text, ':') ||
	    !take_digits(&text, 2, 60, &second) || month == 0 || day == 0 || year < 1970)
		return false;
	if (take_char(&text, '.')) {
		size_t digits = 0;

		while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
			digits++;
		if (digits == 0)
			return false;
		for (size_t i = 0; i < 3; i++)
			ms = ms * 10 + (i < digits ? (uint64_t)(text.ptr[i] - '0') : 0);
		text = slice_after(text, digits);
	}
	if (!take_char(&text, 'Z')) {
		sign = take_char(&text, '+') ? -1 : take_char(&text, '-') ? 1 : 0;
		if (sign == 0 || !take_digits(&text, 2, 23, &zone_hour) || !take_char(&text, ':') ||
		    !take_digits(&text, 2, 59, &zone_minute))
			return false;
	}
	*wall_ms = (((days_of((int64_t)year, (int64_t)month, (int64_t)day) * 24 + (int64_t)hour) * 60 +
	             (int64_t)minute + sign * (int64_t)(zone_hour * 60 + zone_minute)) *
	                    60 +
	            (int64_t)second) *
	                   1000 +
	           (int64_t)ms;
	return text.len == 0;
}

/* ---- the Date header ---- */

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

bool translate_http_date_read(struct slice text, int64_t *wall_ms)
{
	uint64_t day, year, hour, minute, second;
	int64_t month = 0;

	text = slice_after(text, slice_find(text, ','));
	if (!take_char(&text, ',') || !take_char(&text, ' ') || !take_digits(&text, 2, 31, &day) ||
	    !take_char(&text, ' ') || text.len < 3)
		return false;
	for (int64_t i = 0; i < 12; i++)
		if (slice_starts_nocase(text, slice_of(months[i])))
			month = i + 1;
	text = slice_after(text, 3);
	if (month == 0 || !take_char(&text, ' ') || !take_digits(&text, 4, 9999, &year) ||
	    !take_char(&text, ' ') || !take_digits(&text, 2, 23, &hour) || !take_char(&text, ':') ||
	    !take_digits(&text, 2, 59, &minute) || !take_char(&text, ':') ||
	    !take_digits(&text, 2, 60, &second) || year < 1970 || day == 0)
		return false;
	*wall_ms = (((days_of((int64_t)year, month, (int64_t)day) * 24 + (int64_t)hour) * 60 +
	             (int64_t)minute) *
	                    60 +
	            (int64_t)second) *
	           1000;
	return slice_equal_nocase(text, SLICE(" GMT"));
}

void translate_http_date_write(struct buffer *out, int64_t wall_ms)
{
	static const char weekdays[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	char iso[INSTANT_TEXT_BYTES]; /* 2026-11-22T21:09:39.123Z */
	uint64_t month;

	instant_text(wall_ms, iso);
	if (!slice_to_number((struct slice){ iso + 5, 2 }, 12, &month) || month == 0)
		return;
	buffer_printf(out, "Date: %s, %.2s %s %.4s %.8s GMT\r\n", weekdays[wall_ms / 86400000 % 7], iso + 8,
	              months[month - 1], iso, iso + 11);
}
