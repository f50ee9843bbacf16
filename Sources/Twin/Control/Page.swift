/// The live page at `/_twin/`: everything inline, nothing from elsewhere.
enum Page {
  static let html = """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <title>shipit twin</title>
    <style>
    body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; color: #1c1c28; background: #fafafc; }
    h1 { font-size: 1.3rem; } h2 { font-size: 1rem; margin-top: 1.6rem; }
    table { border-collapse: collapse; width: 100%; background: #fff; }
    th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #e4e4ec; }
    th { font-weight: 600; color: #55556a; }
    code { font-size: .85em; }
    .SUCCESS { color: #14743a; } .FAILED, .CRASHED { color: #b3261e; } .REMOVED, .SKIPPED { color: #8a8a99; }
    .BUILDING, .DEPLOYING, .INITIALIZING, .QUEUED { color: #8a5a00; }
    @media (prefers-color-scheme: dark) {
      body { background: #16161d; color: #e6e6ee; } table { background: #1f1f29; }
      th, td { border-color: #33333f; } th { color: #a5a5b8; }
      .SUCCESS { color: #6ed495; } .FAILED, .CRASHED { color: #ff8a80; }
      .BUILDING, .DEPLOYING, .INITIALIZING, .QUEUED { color: #f0c060; }
    }
    </style>
    </head>
    <body>
    <h1>Offline twin <small id="time"></small></h1>
    <h2>Services</h2><table id="services"></table>
    <h2>Deployments</h2><table id="deployments"></table>
    <h2>Requests</h2><table id="requests"></table>
    <h2>Faults</h2><table id="faults"></table>
    <div id="platforms"></div>
    <script>
    const short = id => id ? id.slice(0, 8) : "";
    function fill(id, heads, rows) { fillTable(document.getElementById(id), heads, rows); }
    function fillTable(table, heads, rows) {
      const head = document.createElement("tr");
      for (const text of heads) { const cell = document.createElement("th"); cell.textContent = text; head.append(cell); }
      const lines = rows.map(row => {
        const line = document.createElement("tr");
        for (const value of row) {
          const cell = document.createElement("td");
          cell.textContent = value ?? "";
          if (/^[A-Z_]+$/.test(value ?? "")) cell.className = value;
          line.append(cell);
        }
        return line;
      });
      table.replaceChildren(head, ...lines);
    }
    // Another platform: every list of flat objects in its overview becomes a table.
    function section(name, overview) {
      const parts = [];
      for (const [key, list] of Object.entries(overview).sort()) {
        if (!Array.isArray(list) || !list.length) continue;
        const head = document.createElement("h2"), table = document.createElement("table");
        head.textContent = name + " · " + key;
        const heads = Object.keys(list[0]).filter(h => typeof list[0][h] !== "object" || list[0][h] === null);
        fillTable(table, heads, list.slice(0, 30).map(row => heads.map(h => row[h] == null ? "" : String(row[h]))));
        parts.push(head, table);
      }
      return parts;
    }
    async function refresh() {
      try {
        const state = await (await fetch("/_twin/state")).json();
        document.getElementById("time").textContent = state.time + (state.stable ? "" : " · incident");
        fill("services", ["service", "environment", "status", "live", "address"], state.services.map(s =>
          [s.service, s.environment, s.status, s.active.map(short).join(" "), s.address]));
        fill("deployments", ["deployment", "service", "status", "instance", "by", "restarts", "message", "created"],
          state.deployments.slice(0, 30).map(d => [short(d.id), d.service, d.status, d.instance, d.trigger,
            d.restarts || "", d.message, d.createdAt]));
        fill("requests", ["#", "operation", "service", "status", "fault", "time"], state.requests.slice(0, 30).map(r =>
          [String(r.number), r.operation, r.service, String(r.status), r.fault, r.time]));
        fill("faults", ["what", "operation", "service", "left"], state.faults.map(f =>
          [f.fault ?? f.deployment, f.operation, f.service, String(f.left)]));
        document.getElementById("platforms").replaceChildren(
          ...Object.entries(state.platforms ?? {}).sort().flatMap(([name, overview]) => section(name, overview)));
      } catch { document.getElementById("time").textContent = "the twin has ended"; }
      setTimeout(refresh, 500);
    }
    refresh();
    </script>
    </body>
    </html>
    """
}
