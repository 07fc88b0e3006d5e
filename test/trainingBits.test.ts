/**
 * The same bits everywhere, of training and flatness: SHA-256 digests that Node and Chromium, and any machine, must give.
 * (That the numbers are right is for other tests to say; these change only if a kernel or a stream changes on purpose.)
 *
 * To record them again: `npx vitest run test/trainingBits.test.ts --project node -u`, then the same with `chromium` and without `-u`.
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { expect, it } from "vitest";
import { Kernels } from "../src/engine/kernels.ts";
import { compileModule } from "../src/engine/module.ts";
import { flatness, train } from "../src/flatness/api.ts";
import { measures } from "../src/flatness/index.ts";
import { defineNetwork } from "../src/network/network.ts";
import { LocalSurface } from "../src/training/localSurface.ts";
import { OPTIMIZERS } from "../src/training/optimiser.ts";
import type { LossName } from "../src/training/surface.ts";
import { gaussianVector, randomSurface } from "./randomSurface.ts";

/** Of plain data: numbers as f64, arrays in order, objects by their keys in order. */
function digest(value: unknown): string {
  const hash = sha256.create();
  const text = (word: string): void => {
    hash.update(new TextEncoder().encode(`${word};`));
  };
  const add = (x: unknown): void => {
    if (typeof x === "number") hash.update(new Uint8Array(Float64Array.of(x).buffer));
    else if (ArrayBuffer.isView(x) || Array.isArray(x)) {
      const list = x as ArrayLike<unknown>;
      text(`[${list.length}`);
      for (let i = 0; i < list.length; i++) add(list[i]);
    } else if (typeof x === "object" && x !== null) {
      for (const [key, inner] of Object.entries(x).sort(([a], [b]) => (a < b ? -1 : 1))) {
        text(key);
        add(inner);
      }
    } else text(`${x}`);
  };
  add(value);
  return [...hash.digest()].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const surfaces: ReadonlyArray<readonly [readonly number[], LossName, "relu" | "tanh", number, boolean]> = [
  [[7, 40, 40, 1], "bce", "relu", 64, false],
  [[7, 40, 40, 1], "bce", "tanh", 64, false],
  [[50, 40, 40, 1], "bce", "relu", 33, true],
  [[50, 12, 9, 4], "ce", "tanh", 300, true],
  [[300, 13, 3], "mse", "relu", 70, false],
];

it("gradients, Hessian and Gauss-Newton products", async () => {
  const digests: Record<string, string> = {};
  for (const [layers, loss, activation, points, sparse] of surfaces) {
    const { surface, w } = randomSurface({ layers, loss, activation, points, seed: 31 });
    if (sparse) {
      surface.data.inputs.forEach((_, i) => {
        if ((i * 7919) % 11 < 8) surface.data.inputs[i] = 0;
      });
    }
    const kernels = await Kernels.create(await compileModule());
    const own = new LocalSurface(kernels, defineNetwork({ layers, activation }), surface.data, loss);
    expect(own.plan.sparse).toBe(sparse);
    const v = gaussianVector(own.size, 32);
    const [g, h, n] = [0, 1, 2].map(() => new Float32Array(own.size));
    const value = await own.gradient(w, g);
    await own.hessianProduct(w, v, h);
    await own.gaussNewtonProduct(w, v, n);
    const name = `${layers.join("-")} ${loss} ${activation}${sparse ? " sparse" : ""}`;
    digests[name] = digest([value, await own.outputs(w), g, h, n]);
  }
  expect(digests).toMatchInlineSnapshot(`
    {
      "300-13-3 mse relu": "4f4b49dd98daf1efad8a316b1fbc11a26406d78f1b3c16fedacb7da35f4c1171",
      "50-12-9-4 ce tanh sparse": "de96bed004585339ad4c9731b926ca0aed6e17132a593b52d7bd206f11c85d9d",
      "50-40-40-1 bce relu sparse": "09a2a0df2f4bdd0b3947d4288137a473fb3b00c6b2e3c17d73443a315746b2bb",
      "7-40-40-1 bce relu": "b87ae3cd88574021a7072c85ec738b53a9aba0be7f7a481ded8a8888bf3d8b58",
      "7-40-40-1 bce tanh": "5c2402673ff7d4e870b95e41dae0f826995095c153aaca1ad793367ce95fe0ef",
    }
  `);
});

const { surface: boolean } = randomSurface({ layers: [7, 1], loss: "bce", points: 45, seed: 33 });

it("final weights of a training by each optimiser", async () => {
  const digests: Record<string, string> = {};
  for (const optimizer of OPTIMIZERS) {
    for (const schedule of ["constant", "cosine"] as const) {
      const options = { loss: "bce", optimizer, schedule, weightDecay: 1e-3, batch: 16, seed: 34, workers: 0 } as const;
      const run = { ...options, maxEpochs: 4, targetLoss: 0 };
      const { parameters, history } = await train({ layers: [7, 12, 9, 1] }, boolean.data, { ...run, historyEvery: 2 });
      digests[`${optimizer}, ${schedule}`] = digest([parameters, history]);
    }
  }
  expect(digests).toMatchInlineSnapshot(`
    {
      "adagrad, constant": "772616e90386a360a61f21a74e366046fac95f686dc674dc38a447336e8838e3",
      "adagrad, cosine": "6a4ff17421168f64c5da9389fa887c17c3b1372ef84495d8a56462e219f05c95",
      "adam, constant": "635af2d71494ccf972c9180e3e48d985fc8658573b3289f52ad3b6e500b31a1d",
      "adam, cosine": "12a7a00ace82b863364b29d9838de865a5186788fb2c92a0fb13c7343cab5fc0",
      "entropy-sgd, constant": "3862d7167a211257567c7b2ba8e7b6a47c7bb0ccf8c91afc4f46a69f34da38cf",
      "entropy-sgd, cosine": "2d6073797dc2fc08a7958dd7c479d6d9573565073ded8591cd1a97e14907751c",
      "momentum, constant": "0cf3eb101cab58125950cbecd3f8d71b937730aefe7dc6fd6dca813d7307bbdb",
      "momentum, cosine": "2da1706d2e37c7adce5ea467f36ff2c0fb2ba69cf727c8d8dd914ee6b6a484ec",
      "nesterov, constant": "3ac50a689f9e7dc2cb36bc585b4d23781327c3887149b93f5bd77cf636eec4aa",
      "nesterov, cosine": "9a3e5831b7c34109519f78f2c309381f583420d2300c27b832a66b7dab938eea",
      "rmsprop, constant": "bd8b8aacd729f10a3d764a7b069f3b0779675a8fc342d3d037654ba322cfc9e0",
      "rmsprop, cosine": "2a774c5b9d51c52702e508418eb5b61ccf240e80c4574c91bde1329d9eb86885",
      "sam, constant": "b12559ed339e78f424848034c3a5e9f70d308efd997c769e353b95eeab380c32",
      "sam, cosine": "5eaf6784ef986b3ed2960ec66990fc699f357a7762b1e5fb9b74d01134ec0752",
      "sgd, constant": "b9f6e9efc6b96521712c394e3695bda6774f8558d47b43955627bf26191941be",
      "sgd, cosine": "f7aa0fc57eafa8530ffc62bb7bc40db5831966791fc7889c26f26ceb5e4ecbd4",
    }
  `);
});

it("a record of all flatness measures", async () => {
  const network = { layers: [7, 5, 4, 1] };
  const { parameters, converged } = await train(network, boolean.data, {
    loss: "bce",
    optimizer: "adam",
    learningRate: 0.02,
    seed: 35,
    workers: 0,
  });
  expect(converged).toBe(true);
  const names = measures.map(({ name }) => name);
  const options = { keskarEpochs: 5, localVolumeDirections: 20, llcBurnIn: 50, llcDraws: 100 };
  // fewer products than parameters, which would make them exact
  const products = { traceProducts: 30, frobeniusProducts: 20, densitySteps: 20 };
  const call = { loss: "bce", measures: names, seed: 36, workers: 0, ...options, ...products } as const;
  const record = await flatness(network, parameters, boolean.data, call);
  const digests = Object.fromEntries(names.map((name) => [name, digest({ ...record[name], source: "" })]));
  expect(digests).toMatchInlineSnapshot(`
    {
      "asam": "d8ce46c4d2f28e30d95f2dc132be96e82bb9f4bc1cc75a1051841aca9a4b1d8d",
      "fisher-rao": "4240c949a2359846d4641fcd0ccf587aff6d9ae6116f1520ca9ef48b3943734f",
      "frobenius": "a59f8841920ddd48088c03a9f7c5cfeb6bd6b870429ce8ca9e8ba42bd4034f7d",
      "ggn-top": "983fcda2ef22fcfd146ee12eb4cc3d805e6a8f5c785fcae7120b6157382b4fd2",
      "ggn-trace": "472b6c5542138e9a731cfc8a3654c1f87d0d943dacdf8e1c7041885b85d50c61",
      "keskar": "e7b96a81d130d27ea130c6d710c4f73ff62aabe7b3882d485da50785edd88620",
      "keskar-protocol": "a6c7c86ead244316148c3f97ea152a2749a3da6bec9942d48956f93023be30ac",
      "llc": "85c5514e7e678b5f6fda7302dcc7891c765adcf6f65815cdca549bc55d016564",
      "local-volume": "a18688923ea0c96d5c2c02df598bfb312a8bd5f016a5856e2311cf8da70c9e84",
      "log-product": "93f82237b9872633df0d7cae608d88b29aec05db3733ac2bad59bcbc270212fe",
      "pac-bayes-sigma": "a40f51eb54e773bc6cb03fc47463e2c0d145440c9dc1b8f9bd6d0336997238bf",
      "relative-flatness": "9324fbe13dcf5fb72f441044fde3150932a5706dc0ebb962ac59d2dc53dc733e",
      "sam": "daa85098c89b0b428f76b97743c704fda13d2edecc06c3809893cb88bd55266f",
      "spectral-density": "6966b0cfbb8980d80164b00c922522d65d2a7c315f32c0afd996bb06df4179b1",
      "spectral-norm": "af74e50b2bc09c9030a68d9638befaa52d02210f4593a16f2eb623a00d23f0fc",
      "spectrum": "462697f40543fc8f1bcc6fc62a384e269a7b6dabf3d2299263e9c78f501199ed",
      "top-eigenvalues": "fff00f6ab384b91a5ea7d21158dd910821d4994b552ddc98bb30e92096df6a0b",
      "trace": "fbbdeba8bb4fdd88cf97c602daf44d06fa2a1f5efc0940723683b63b5e77a338",
    }
  `);
});
