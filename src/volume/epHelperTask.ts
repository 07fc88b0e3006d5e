/**
 * Workers that hold the covariance, and compute a share of the marginal variances in each iteration of expectation propagation.
 *
 * @module
 */
import { expose, transfer } from "comlink";
import type { Task } from "../engine/task.ts";
import { CovarianceMember, type Marginals, type PanelRun } from "./covarianceMember.ts";

/** What a helper exposes on its port. */
export interface EpHelperEndpoint {
  /** The marginals of its points; the same failure as the leader's gives none. */
  marginals(precision: Float64Array): Promise<Marginals>;
}

/** Plain data and two ports, which are handed over. */
export interface EpHelperArguments {
  readonly size: number;
  readonly covariance: Float64Array<ArrayBuffer>;
  readonly run: PanelRun;
  /** To the thread that leads. */
  readonly port: MessagePort;
  /** Any message on it is the end. */
  readonly end: MessagePort;
}

/** Serves until it is told to end. */
export const epHelperTask: Task<EpHelperArguments, null> = {
  name: "epHelper",
  async run({ kernels, pause }, { size, covariance, run, port, end }) {
    const member = new CovarianceMember(kernels, covariance, size, pause);
    await new Promise<void>((resolve, reject) => {
      end.onmessage = () => resolve();
      const endpoint: EpHelperEndpoint = {
        async marginals(precision) {
          try {
            const none = { share: new Float64Array(0), variance: new Float64Array(0) };
            const result = (await member.prepare(precision)) >= 0 ? none : await member.marginals(precision, run);
            return transfer(result, [result.share.buffer, result.variance.buffer]);
          } catch (error) {
            // the task fails too, so that the pool gets to know of a trap
            reject(error);
            throw error;
          }
        },
      };
      expose(endpoint, port);
    });
    end.close();
    port.close();
    return null;
  },
  transfer: () => [],
};
