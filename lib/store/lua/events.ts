/** The stream of events, for those who watch what happens to jobs. @module */

/** How many entries the stream keeps, about. */
export const MOST_EVENTS = 5_000;

/** How many ids an entry has at most. With {@linkcode MOST_EVENTS} it keeps the stream below some 10 MB. */
export const MOST_IDS = 50;

/** The most bytes of a note to a job's progress in an event. */
const MOST_NOTE = 200;

/**
 * See {@linkcode link}.
 *
 * Whoever watches sets a key that expires, again and again; without that key nothing is written. So nobody has to switch
 * events on, and what they cost is paid while somebody watches. An entry has the ids of all jobs to which the same has
 * happened in one call, since an entry for each job would cost a tenth of what Redis does for a short job.
 *
 * Rejected: Redis' channels, whose messages are lost while a connection is.
 */
export const EVENTS_LUA: string = `
-- Whether somebody watches; nil until that was asked. CLAIM, ENQUEUE and FINISH ask together with something else.
local watched = nil

-- Adds an event about jobs of one queue to the stream, with facts as fields and values. Errors are ignored: who watches
-- also looks at the jobs.
local function write_event(event, q, ids, ...) -- rare
  for i = 1, #ids, ${MOST_IDS} do
    local some = table.concat(ids, ' ', i, math.min(i + ${MOST_IDS} - 1, #ids))
    redis.pcall('XADD', EVENTS, 'MAXLEN', '~', ${MOST_EVENTS}, '*', 'event', event, 'queue', q, 'jobs', some, ...)
  end
end

-- The same by leases, "<job>:<execution>", and who has them.
local function tell_of_leases(event, q, members, worker) -- rare
  local ids = {}
  for i, member in ipairs(members) do ids[i] = string.match(member, '^(.*):') end
  write_event(event, q, ids, 'worker', worker)
end

-- Tells how far a job has come. A long note is cut: the job has all of it.
local function tell_progress(id, q, value, note) -- rare
  if #note > ${MOST_NOTE} then
    note = string.match(string.sub(note, 1, ${MOST_NOTE}), '^(.-)[\\192-\\255]?[\\128-\\191]*$') .. '…'
  end
  write_event('progress', q, {id}, 'value', value, 'note', note)
end

-- Whether somebody watches.
local function is_watched()
  if watched == nil then watched = redis.call('EXISTS', WATCHED) == 1 end
  return watched
end

-- Tells those who watch what has happened to a job: its new status, or "deleted".
local function tell(job, event)
  if is_watched() then write_event(event, job.q, {job.id}) end
end
`;
