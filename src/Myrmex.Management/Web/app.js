// The page of the daemon: what there is, what is wrong, what goes on. It asks the REST interface and nothing else. The
// token is in the address behind #, which browsers never send, and then in this tab alone.
const periodMs = 3000;
const eventsKept = 100;
const byId = id => document.getElementById(id);
const sizes = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

let token = null;
let lastEvent = 0;
let isLooking = false;
const events = [];

class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `the daemon answered ${status}`);
    this.status = status;
    this.advice = body?.advice;
  }
}

async function ask(path, method = "GET", signal) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const answer = await fetch(path, { method, headers, signal, cache: "no-store" });
  if (!answer.ok) {
    throw new Problem(answer.status, await answer.json().catch(() => null));
  }
  return answer;
}

const get = async path => (await ask(`/v1/${path}`)).json();
const name = text => encodeURIComponent(text);

// Everything that comes from elsewhere goes in as text.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") {
      element.className = value;
    } else if (value !== undefined && value !== null) {
      element[key] = value;
    }
  }
  element.append(...children.filter(c => c !== null && c !== undefined));
  return element;
}

const mark = (kind, text) => make("span", { class: kind }, text);
const size = bytes => {
  let at = 0;
  while (bytes >= 1024 && at < sizes.length - 1) {
    bytes /= 1024;
    at++;
  }
  return `${at === 0 ? bytes : bytes.toFixed(1)} ${sizes[at]}`;
};
const when = ms => new Date(ms).toLocaleString();

function table(columns, rows) {
  const head = make("tr", {}, ...columns.map(([title, kind]) => make("th", { scope: "col", class: kind ?? "" }, title)));
  const body = rows.map(cells => make("tr", {}, ...cells.map((cell, i) =>
    make("td", { class: columns[i][1] ?? "" }, cell ?? ""))));
  return make("div", { class: "scroll" },
    make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
}

function bar(done, all, text) {
  return make("span", {}, make("progress", { max: all, value: Math.min(done, all), ariaLabel: text }), ` ${text}`);
}

function button(label, question, path, method = "POST") {
  return make("button", { type: "button", onclick: () => act(question, path, method) }, label);
}

async function act(question, path, method) {
  byId("question").textContent = question;
  byId("yes").hidden = false;
  byId("ask").showModal();
  const said = await new Promise(done => byId("ask").addEventListener("close", () => done(byId("ask").returnValue), { once: true }));
  if (said !== "yes") {
    return;
  }
  try {
    await ask(`/v1/${path}`, method);
  } catch (e) {
    byId("question").textContent = e.advice ? `${e.message}. ${e.advice}` : e.message;
    byId("yes").hidden = true;
    byId("ask").returnValue = "no";
    byId("ask").showModal();
  }
  await look();
}

// What one volume is, with what its bricks say.
async function detailsOf(volume) {
  const isUp = volume.status === "Started";
  const [status, replication] = await Promise.all([
    isUp ? get(`volumes/${name(volume.name)}/status?detail=true`).catch(() => null) : null,
    isUp && volume.replicaCount > 1 ? get(`volumes/${name(volume.name)}/replication`).catch(() => null) : null,
  ]);
  return { volume, status, replication };
}

function memberOf(replication, brick) {
  for (const set of replication?.sets ?? []) {
    const member = set.members.find(m => m.host === brick.host && m.path === brick.path);
    if (member) {
      return { set, member };
    }
  }
  return null;
}

function roleOf(place) {
  if (!place) {
    return "";
  }
  const { set, member } = place;
  if (member.problem) {
    return mark("bad", member.problem);
  }
  if (set.leader === member.member) {
    return mark("good", `leads, term ${member.report?.term ?? "?"}`);
  }
  if (member.copy) {
    const done = member.copy.percent;
    return done === null || done === undefined ? mark("wait", `gets a copy, ${size(member.copy.bytes)}`)
      : bar(done, 100, `copy ${done} %`);
  }
  if (member.report?.needsCopy) {
    return mark("wait", "waits for a copy");
  }
  if (member.lag > 0) {
    return mark(member.lag > 1000 ? "wait" : "good", `follows, ${member.lag} behind`);
  }
  return mark(member.lag === 0 ? "good" : "wait", member.report?.status === "voter" || !member.report ? "follows" : member.report.status);
}

function brickRow(details, brick) {
  const now = details.status?.bricks.find(b => b.host === brick.host && b.path === brick.path);
  const place = memberOf(details.replication, brick);
  const isUp = details.volume.status === "Started";
  const full = now?.detail && now.detail.totalBytes > 0
    ? bar(now.detail.totalBytes - now.detail.freeBytes, now.detail.totalBytes,
      `${size(now.detail.freeBytes)} of ${size(now.detail.totalBytes)} free`) : "";
  const canLead = place && place.set.leader !== place.member.member && now?.online;
  return [
    make("code", {}, `${brick.host}:${brick.path}`),
    brick.isReset ? mark("wait", "out of service") : !isUp ? make("span", { class: "dim" }, "stopped")
      : now?.online ? mark("good", `serves, port ${now.port}`) : mark("bad", "does not serve"),
    roleOf(place),
    full,
    canLead ? button("Lead", `Shall ${brick.host}:${brick.path} lead its replica set?`,
      `volumes/${name(details.volume.name)}/leader?brick=${name(`${brick.host}:${brick.path}`)}`) : "",
  ];
}

function volumeCard(details) {
  const { volume, status } = details;
  const isUp = volume.status === "Started";
  const path = `volumes/${name(volume.name)}`;
  const proxies = status?.proxies ?? [];
  const card = make("article", { class: "card" },
    make("div", { class: "head" },
      make("h3", {}, volume.name),
      mark(isUp ? "good" : "dim", volume.status.toLowerCase()),
      make("span", { class: "dim" }, `${volume.type}, ${volume.brickCountText}`),
      make("span", { class: "acts" }, isUp
        ? button("Stop", `Stop ${volume.name}? Its clients lose their files until it is started again.`, `${path}/stop`)
        : button("Start", `Start ${volume.name}?`, `${path}/start`))),
    table([["Brick"], ["State"], ["Replica set"], ["File system"], [""]], volume.bricks.map(b => brickRow(details, b))));
  if (proxies.length > 0) {
    card.append(table([["Proxy"], ["State"], ["Clients that leave / stay", "number"]], proxies.map(p => [
      p.host,
      p.draining ? mark("wait", "drains") : p.online ? mark("good", `serves, port ${p.port}`) : mark("bad", "does not serve"),
      p.draining ? `${p.leavingClients ?? "?"} / ${p.stayingClients ?? "?"}` : "",
    ])));
  }
  if (volume.options.length > 0) {
    const shown = `options-${volume.name}`;
    card.append(make("details", { id: shown, open: byId(shown)?.open ?? false },
      make("summary", {}, `${volume.options.length} options set`),
      table([["Option"], ["Value", "long"]], volume.options.map(o => [make("code", {}, o.key), o.value]))));
  }
  return card;
}

function taskRow(task) {
  const counters = Object.entries(task.progress);
  const done = task.progress.done ?? task.progress.files;
  const all = task.progress.total ?? task.progress.all;
  const words = counters.map(([key, value]) => `${key} ${/bytes/i.test(key) ? size(value) : value}`).join(", ");
  const state = { running: "wait", waiting: "wait", done: "good", failed: "bad", stopped: "dim" }[task.state] ?? "dim";
  return [task.kind, task.volume ?? "", mark(state, task.error ? `${task.state}: ${task.error}` : task.state),
    all > 0 && done !== undefined ? bar(done, all, words) : words, when(task.startedUnixMs)];
}

// What somebody should look at, in words.
function troubles(peers, volumes) {
  const found = peers.filter(p => !p.connected).map(p => `node ${p.hostName} is not connected`);
  for (const { volume, status, replication } of volumes) {
    for (const brick of status?.bricks.filter(b => !b.online) ?? []) {
      found.push(`${volume.name}: brick ${brick.host}:${brick.path} does not serve`);
    }
    for (const proxy of status?.proxies.filter(p => !p.online) ?? []) {
      found.push(`${volume.name}: the proxy on ${proxy.host} does not serve`);
    }
    for (const set of replication?.sets ?? []) {
      if (set.leader === null || set.leader === undefined) {
        found.push(`${volume.name}: replica set ${set.number} has no leader, its files cannot be used`);
      }
      for (const member of set.members.filter(m => m.problem && m.online)) {
        found.push(`${volume.name}: ${member.host}:${member.path}: ${member.problem}`);
      }
    }
    for (const brick of status?.bricks.filter(b => b.detail && b.detail.totalBytes > 0) ?? []) {
      if (brick.detail.freeBytes / brick.detail.totalBytes < 0.1) {
        found.push(`${volume.name}: ${brick.host}:${brick.path} has ${size(brick.detail.freeBytes)} left`);
      }
    }
  }
  return found;
}

function say(kind, text) {
  byId("state").replaceChildren(mark(kind, text));
}

async function look() {
  if (isLooking) {
    return;
  }
  isLooking = true;
  try {
    const [daemon, peers, volumes, tasks] = await Promise.all([
      get("daemon"), get("peers").then(a => a.peers, () => []), get("volumes").then(a => a.volumes),
      get("tasks").then(a => a.tasks, () => [])]);
    const details = await Promise.all(volumes.map(detailsOf));
    show(daemon, peers, details, tasks);
    say("good", `as of ${new Date().toLocaleTimeString()}`);
  } catch (e) {
    if (e.status === 401) {
      askForToken(token ? "The daemon does not take this token." : null);
    } else {
      say("bad", e.status ? e.message : "the daemon does not answer");
    }
  } finally {
    isLooking = false;
  }
}

function show(daemon, peers, details, tasks) {
  byId("login").hidden = true;
  byId("main").hidden = false;
  byId("daemon").textContent = `${daemon.hostName}, version ${daemon.version}`;
  document.title = `Myrmex, ${daemon.hostName}`;
  const found = troubles(peers, details);
  byId("attention").replaceChildren(...(found.length === 0 ? [make("li", { class: "good" }, "nothing")]
    : found.map(text => make("li", { class: "bad" }, text))));
  const shown = tasks.toSorted((a, b) => b.startedUnixMs - a.startedUnixMs).slice(0, 20);
  byId("tasks").replaceChildren(shown.length === 0 ? make("p", { class: "dim" }, "none")
    : table([["Work"], ["Volume"], ["State"], ["Progress", "long"], ["Since"]], shown.map(taskRow)));
  byId("volumes").replaceChildren(...(details.length === 0
    ? [make("p", { class: "dim" }, "none; make one with: myrmex volume create NAME HOST:/PATH")]
    : details.map(volumeCard)));
  byId("nodes").replaceChildren(table([["Node"], ["State"], ["Labels"], ["Id"]], peers.map(p => [
    p.hostName,
    p.connected || p.isLocal ? mark("good", p.isLocal ? "this one" : "connected") : mark("bad", "not connected"),
    Object.entries(p.labels).map(([k, v]) => `${k}=${v}`).join(" "),
    make("code", {}, p.id)])));
}

function addEvent(told) {
  lastEvent = Math.max(lastEvent, told.seq);
  events.unshift(told);
  events.length = Math.min(events.length, eventsKept);
  byId("events").replaceChildren(...events.map(e => make("li", {},
    make("span", { class: "dim" }, when(e.unixMs)), make("span", {}, e.type),
    make("span", {}, [e.volume, ...Object.entries(e.data).map(([k, v]) => `${k}=${v}`)].filter(Boolean).join("  ")))));
}

// Server-sent events over fetch, for EventSource cannot carry the token.
async function follow() {
  for (;;) {
    try {
      for (const told of (await get(`events?after=${lastEvent}`)).events.slice(-eventsKept)) {
        addEvent(told);
      }
      const answer = await ask(`/v1/events/stream?after=${lastEvent}`);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const blocks = (rest + part.value).split("\n\n");
        rest = blocks.pop();
        for (const block of blocks) {
          const data = block.split("\n").filter(l => l.startsWith("data: ")).map(l => l.slice(6)).join("\n");
          if (data) {
            addEvent(JSON.parse(data));
          }
        }
      }
    } catch (e) {
      if (e.status === 401 || e.status === 501) {
        return;
      }
    }
    await new Promise(done => setTimeout(done, periodMs));
  }
}

function askForToken(why) {
  byId("main").hidden = true;
  byId("login").hidden = false;
  say("wait", why ?? "no token");
}

async function begin() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname); // Not in the history, nor on a screenshot.
  }
  token = sessionStorage.getItem("token");
  byId("login").addEventListener("submit", async e => {
    e.preventDefault();
    token = byId("token").value.trim();
    sessionStorage.setItem("token", token);
    await look();
    follow();
  });
  await look();
  follow();
  setInterval(() => document.hidden || !byId("login").hidden || look(), periodMs);
}

begin();
