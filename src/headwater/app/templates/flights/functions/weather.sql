CREATE MACRO celsius(fahrenheit) AS (fahrenheit - 32) / 1.8;

-- A value observed at most six hours before it is used; NULL if it is older.
CREATE MACRO if_recent(value, observed_at, used_at) AS
    CASE WHEN observed_at >= used_at - INTERVAL 6 HOUR THEN value END;
