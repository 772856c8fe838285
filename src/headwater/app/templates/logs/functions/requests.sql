-- A path without what follows the question mark.
CREATE MACRO page_of(path) AS split_part(path, '?', 1);

-- The first part of a path: `/blog` of `/blog/2026/rivers`, `/` of the front page.
CREATE MACRO section_of(path) AS '/' || split_part(split_part(path, '?', 1), '/', 2);

-- What belongs to a page and is not one: style sheets, scripts, pictures.
CREATE MACRO is_asset(path) AS
    coalesce(regexp_matches(lower(split_part(path, '?', 1)), '\.(css|js|png|jpe?g|gif|svg|ico|woff2?|txt|xml)$'), false);

-- Crawlers, feed readers and scripts say so themselves, as a rule.
CREATE MACRO is_robot(user_agent) AS
    coalesce(regexp_matches(lower(user_agent), 'bot|crawl|spider|slurp|feed|curl|wget|python|monitor'), true);

-- A page that somebody asked for and got: no picture, no robot.
CREATE MACRO is_page_view(method, status, path, user_agent) AS
    method = 'GET' AND status IN (200, 304) AND NOT is_asset(path) AND NOT is_robot(user_agent);

-- Who asks, as far as a log can tell. The address is a token by then: it never leaves the place of its server.
CREATE MACRO visitor_of(client_token, user_agent) AS md5(concat_ws(' ', client_token, user_agent));
