CREATE MACRO celsius(fahrenheit) AS (fahrenheit - 32) / 1.8;
