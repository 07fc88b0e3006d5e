/** The script of the full build's workers, and the file `flatvol/worker`: it knows every task. */
import { serve } from "./endpoint.ts";
import { tasks } from "./tasks.ts";

serve(tasks);
