-- Four roles, each with no more than it needs. They log in only where the operator gives them a
-- password or a certificate; the private cluster of ./run up trusts its own Unix socket.

do $$
declare
  role text;
begin
  foreach role in array array['epicenter_collector', 'epicenter_analyzer', 'epicenter_viewer'] loop
    if not exists (select from pg_roles where rolname = role) then
      execute format('create role %I login', role);
    end if;
  end loop;
end
$$;

revoke all on all tables in schema public from public;
revoke execute on function maintain_report_partitions, trim_rejected_reports from public;

grant select, insert on segment, host_name to epicenter_collector;
grant insert on report, report_update, rejected_report to epicenter_collector;
grant select, insert on report_load to epicenter_collector;
grant select, update on enrolment_secret to epicenter_collector;
grant execute on function trim_rejected_reports to epicenter_collector;

grant select on report_load, segment, host_name, report, report_update, rejected_report,
  customer, seat, update_release, cost_parameter, verdict_change, answer to epicenter_analyzer;
grant insert, update on customer, seat, update_release, cost_parameter, answer to epicenter_analyzer;
grant insert on verdict_change to epicenter_analyzer;
grant execute on function maintain_report_partitions to epicenter_analyzer;

grant select on affected, verdict_change, answer, update_release to epicenter_viewer;
