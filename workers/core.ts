/** The script of the core build's workers. */
import { coreTasks } from "./coreTasks.ts";
import { serve } from "./endpoint.ts";

serve(coreTasks);
