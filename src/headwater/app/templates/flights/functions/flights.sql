-- A departure later than the limit is late; a cancelled one (no delay known) is not.
CREATE MACRO is_late(delay_min, limit_min) AS coalesce(delay_min > limit_min, false);

-- The minute within an hour that starts at `hour`, from a clock reading such as 1745.
CREATE MACRO at_clock(hour, hhmm) AS hour + to_minutes(CAST(hhmm % 100 AS BIGINT));
