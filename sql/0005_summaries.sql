-- The follower finds the rows of new loads by the BRIN index on load_id. A block range is looked
-- through whole until it is summarised, which only vacuum does by itself: under a heavy stream of
-- reports each look at the table would read all that came since (measured: 1.4 s for 3 million
-- rows, 40 ms once summarised). So the analyzer asks for it, every 100,000 rows or so.

create function summarize_report_loads() returns integer
language plpgsql security definer set search_path = pg_catalog, public set lock_timeout = '100ms' as $$
declare
  target regclass;
  summarized integer := 0;
begin
  for target in
    select i.indexrelid
    from pg_inherits p
    join pg_index i on i.indrelid = p.inhrelid
    join pg_class c on c.oid = i.indexrelid
    join pg_am a on a.oid = c.relam
    where p.inhparent in ('public.report'::regclass, 'public.report_update'::regclass)
      and a.amname = 'brin' loop
    begin
      summarized := summarized + brin_summarize_new_values(target);
    exception
      -- A vacuum is at work on this partition and does the same.
      when lock_not_available then null;
    end;
  end loop;
  return summarized;
end
$$;
comment on function summarize_report_loads is 'Summarises the block ranges of the report tables'' BRIN indexes that are not yet; answers how many. The analyzer calls it as it follows.';

revoke execute on function summarize_report_loads from public;
grant execute on function summarize_report_loads to epicenter_analyzer;
