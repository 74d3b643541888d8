/** What is sent when a job ends. @module */

import { MOST_WEBHOOKS } from "../../job/webhook.ts";
import type { Hook } from "./hook.ts";

/** After how many seconds a webhook that was not delivered is sent again: for seven hours in all. */
const INTERVALS = [5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400];

/** For how many seconds one that could not be delivered is listed as failed: a week. */
const FAILURE_TTL = 7 * 86_400;

/** How many seconds the sending may take beyond the time for an answer. */
const SLACK = 30;

/**
 * RQ's webhooks. RQ sends them from the worker, which waits for the answer, and once. Here each is sent by a job of its
 * own, at the head of the job's queue, which is retried; in a process of its own, since it has the secret.
 */
export const WEBHOOKS: Hook = {
  name: "webhooks",
  reads: ["webhooks", "x_webhooks"],
  marks: ["webhooks", "x_webhooks"],
  lua: `
-- The job, as a record NEW_JOB, that sends the i-th webhook of a job that has ended.
local function webhook_job(job, status, webhook, i)
  local origin = string.gsub(string.match(tostring(webhook.url), '^%w+://[^/?#]*') or '', '//.*@', '//')
  local timeout = math.min(whole(tostring(webhook.timeout)), 86400) + ${SLACK}
  return {id_at_end(job, 'webhook-' .. i), '0', '0', 'created_at', iso(), 'data', '["deno_rq.webhook",null,[],{}]',
    'description', 'webhook to ' .. origin .. ', on ' .. status .. ' of ' .. job.id, 'timeout', timeout,
    'failure_ttl', ${FAILURE_TTL}, 'retries_left', ${INTERVALS.length}, 'retry_intervals', '${
    JSON.stringify(INTERVALS)
  }',
    'x_retry_jitter', '0.1', 'x_isolation', 'process', 'x_webhook', cjson.encode(webhook),
    told_of(job, status, status ~= 'finished' and job.outcome)}
end

-- Enqueues what sends the webhooks of a job, a JSON list.
local function enqueue_webhooks(job, status, text) -- rare
  local ok, list = pcall(cjson.decode, text)
  if not ok or type(list) ~= 'table' then return end
  local to = target(job.q, true)
  for i = 1, math.min(#list, ${MOST_WEBHOOKS}) do
    local webhook = list[i]
    if type(webhook) == 'table' and webhook.job_status == status then
      spawn(webhook_job(job, status, webhook, i), to)
    end
  end
  push_gathered(to)
end

local function webhooks_ended(job, status)
  local text = job.x_webhooks or job.webhooks
  if text and text ~= '' and status ~= 'deleted' then enqueue_webhooks(job, status, text) end
end
`,
};
