/** A Redis server of a test's own, on a free port, in a directory of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";

/** Without a server these tests cannot run: with CI=true that is a failure. */
export const redisMissing = spawnSync("redis-server", ["--version"]).status !== 0 && process.env.CI !== "true";

export interface RedisServer {
  readonly port: number;
  start(): Promise<void>;
  /** Ends it as an administrator would, or with kill -9. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

const free = (): Promise<number> =>
  import("node:net").then(
    ({ createServer }) =>
      new Promise((resolve) => {
        const server = createServer();
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as { port: number };
          server.close(() => resolve(port));
        });
      }),
  );

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });

/** Every write is on the disk before it is answered, so that nothing is lost by a stop. */
export async function redisServer(
  directory: string,
  extra: (port: number) => string[] = () => [],
): Promise<RedisServer> {
  const port = await free();
  let child: ChildProcess | undefined;
  let gone: Promise<void> = Promise.resolve();
  return {
    port,
    async start() {
      const persistence = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
      const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, ...persistence, ...extra(port)];
      child = spawn("redis-server", [...args, "--logfile", join(directory, "redis.log")], { stdio: "ignore" });
      const own = child;
      gone = new Promise((resolve) => own.on("exit", () => resolve()));
      own.on("error", () => {});
      const deadline = Date.now() + 20_000;
      while (!(await answers(port))) {
        if (Date.now() > deadline) throw new Error(`no Redis server came up on port ${port}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async stop(signal = "SIGTERM") {
      child?.kill(signal);
      await gone;
    },
  };
}
