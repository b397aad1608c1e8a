import { render } from "preact";

import { Page } from "./page";
import { Shop } from "./shop";

const root = document.getElementById("page");
if (root) render(<Page shop={new Shop("/graphql")} />, root);
