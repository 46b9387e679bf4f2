// The dashboard from its sources, made anew at each change, before the data of a running `studious ui` (or of an operator):
//   npm run dev -- http://127.0.0.1:8080/?token=…      the link that `studious ui` printed
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";

import { context } from "esbuild";

const link = process.argv[2];
if (link === undefined) {
  console.error("usage: npm run dev -- LINK, the link that `studious ui` printed");
  process.exit(2);
}
const upstream = new URL(link);
if (upstream.protocol !== "http:") {
  console.error(`${link}: expected a link that begins with http://`);
  process.exit(2);
}

// Opening the link is what signs a browser in: its cookie is sent with each request.
const opened = await fetch(upstream, { redirect: "manual" }).catch((error) => {
  console.error(`no answer from ${upstream.origin}: ${error.cause?.message ?? error.message}`);
  process.exit(1);
});
const cookie = opened.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");

const sources = await context({
  entryPoints: { app: "src/app/main.tsx" },
  bundle: true,
  platform: "browser",
  target: ["es2022"],
  format: "esm",
  splitting: true,
  sourcemap: "inline",
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: "dist/dev",
  write: false,
  logLevel: "warning",
  banner: { js: 'new EventSource("/esbuild").addEventListener("change", () => location.reload());' },
});
await sources.watch();
const { port } = await sources.serve({ host: "127.0.0.1", port: 0 });

const server = createServer((asked, answer) => {
  const path = asked.url ?? "/";
  if (path === "/") {
    const head = '<link rel="stylesheet" href="assets/app.css"><script type="module" src="assets/app.js"></script>';
    answer.setHeader("Content-Type", "text/html; charset=utf-8");
    answer.end(readFileSync("src/app/index.html", "utf8").replace("<!-- head -->", head));
    return;
  }
  const own = path.startsWith("/assets/") || path === "/esbuild";
  const to = own
    ? { host: "127.0.0.1", port, headers: asked.headers }
    : { host: upstream.hostname, port: upstream.port || 80, headers: { ...asked.headers, host: upstream.host, cookie, origin: upstream.origin } };
  // esbuild serves what it made from the root.
  const wanted = own ? path.replace(/^\/assets/, "") : path;
  const passed = request({ ...to, path: wanted, method: asked.method }, (got) => {
    answer.writeHead(got.statusCode ?? 502, got.headers);
    got.pipe(answer);
  });
  passed.on("error", (error) => {
    if (!answer.headersSent) answer.writeHead(502, { "Content-Type": "text/plain" });
    answer.end(String(error));
  });
  asked.pipe(passed);
});
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
