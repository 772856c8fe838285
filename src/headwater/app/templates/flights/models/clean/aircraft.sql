/* headwater
description: Aircraft with one spelling per manufacturer; part of the models that use it, never a table of its own
kind: inline
*/
SELECT
    p.tailnum,
    p.seats,
    p.year AS built,
    CASE
        WHEN p.manufacturer LIKE 'AIRBUS%' THEN 'Airbus'
        WHEN p.manufacturer LIKE 'MCDONNELL%' THEN 'McDonnell Douglas'
        WHEN p.manufacturer = 'BOEING' THEN 'Boeing'
        WHEN p.manufacturer = 'EMBRAER' THEN 'Embraer'
        WHEN p.manufacturer LIKE 'BOMBARDIER%' OR p.manufacturer LIKE 'CANADAIR%' THEN 'Bombardier'
        ELSE 'other'
    END AS manufacturer
FROM planes AS p
